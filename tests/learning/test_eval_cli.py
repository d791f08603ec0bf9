import csv
import json

import pytest

from crl_learning.eval_cli import main


def test_help_lists_the_settings_with_their_defaults(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for key in ("checkpoint:", "episodes:", "via:", "world:"):
        assert key in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["epsiodes=3"], "did you mean 'episodes'"),
        (["policy=still", "world.ligth=0.5"], "did you mean 'light'"),
        (["policy=still", "task=reech"], "did you mean 'reach'"),
        (["policy=still", "robot=sawyr"], "did you mean 'sawyer'"),
        (["policy=still", "robot=sawyer", "task=push"], "no task of robot 'sawyer' is named 'push'"),
        (["policy=still", "via=rso"], "did you mean 'ros'"),
        (["policy=still", "via=ros"], "use via=direct"),
        (["policy=still", "via=emulated"], "use via=direct"),
        (["policy=still", "robot=windowx"], "did you mean 'widowx'"),
        (["policy=still", "episodes=0"], "at least 1"),
        (["policy=still", "world.light=-1"], "light is -1"),
        ([], "exactly one"),
        (["checkpoint=/nowhere"], "/nowhere"),
    ],
)
def test_settings_that_cannot_be_used_end_with_code_2_and_a_hint(tmp_path, capsys, words, message):
    assert main([*words, f"out={tmp_path}"]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_an_evaluation_leaves_summary_trials_curves_and_videos(tmp_path, capsys):
    words = ["policy=oracle", "task=all", "episodes=2", "seed=5", "workers=1", "videos=1", f"out={tmp_path}"]
    assert main(words) == 0
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert set(summary["tasks"]) == {"reach", "push"}
    assert summary["tasks"]["reach"]["success_final"] == 1.0
    assert summary["policy"] == "oracle"
    assert summary["command"] == "crl-eval " + " ".join(words)
    with (tmp_path / "trials.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 4
    assert (tmp_path / "curves.png").stat().st_size > 1000
    assert len(list((tmp_path / "videos").glob("*.mp4"))) == 2
    assert "95 %" in capsys.readouterr().out
