import csv
import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from rich.console import Console

from crl_learning.eval_cli import main
from crl_learning.eval_config import EvalConfig
from crl_learning.eval_report import result_table
from crl_learning.evaluate import interrupts_held
from crl_learning.outputs import evaluation_folder
from crl_learning.settings import load_settings
from crl_robot.resources import config_file
from crl_robot.robots import robot


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
        (["policy=still", "robot=sawyer", "task=pick_place"], "no task of robot 'sawyer' is named 'pick_place'"),
        (["policy=still", "via=rso"], "did you mean 'ros'"),
        (["policy=still", "via=ros"], "use via=direct"),
        (["policy=still", "via=emulated"], "use via=direct"),
        (["policy=still", "robot=windowx"], "did you mean 'widowx'"),
        (["policy=still", "episodes=0"], "at least 1"),
        (["policy=still", "world.light=-1"], "light is -1"),
        ([], "exactly one"),
        (["checkpoint=/nowhere"], "/nowhere does not exist"),
        (["checkpoint=README.md"], "README.md is a file; give the folder"),
        (["policy=still", "episodes=ten"], "episodes=ten, expected a whole number"),
        (["policy=still", "seed=ten"], "seed=ten, expected a whole number"),
        (["policy=still", "seed=[1,1]"], "names one twice"),
        (["policy=still", "seed=-1"], "at least 0"),
        (["policy=still", "task=[reach,reech]"], "did you mean 'reach'"),
        (["policy=[still,stil]"], "did you mean 'still'"),
        (["policy=still", "lockstep=true"], "lockstep=true is for via=ros"),
        (["checkpoint=a", "via=emulated", "lockstep=true"], "hardware has a clock of its own"),
    ],
)
def test_settings_that_cannot_be_used_end_with_code_2_and_a_hint(tmp_path, capsys, words, message):
    assert main([*words, f"out={tmp_path}"]) == 2
    assert message in capsys.readouterr().err


def test_a_folder_with_results_of_another_run_is_refused_until_they_may_be_replaced(tmp_path, capsys):
    videos = [tmp_path / "videos" / name for name in ("reach_0003_failure.mp4", "holiday.mp4")]
    videos[0].parent.mkdir()
    for file in (tmp_path / "summary.json", *videos):
        file.touch()
    assert main(["policy=still", f"out={tmp_path}"]) == 2
    assert "overwrite=true" in capsys.readouterr().err
    assert evaluation_folder(tmp_path, overwrite=True) == tmp_path
    assert not (tmp_path / "summary.json").exists()
    assert [file.exists() for file in videos] == [False, True]


def test_an_output_folder_that_cannot_be_made_is_one_line_and_code_2(tmp_path, capsys):
    """It was a traceback."""
    (tmp_path / "file").touch()
    assert main(["policy=still", f"out={tmp_path / 'file'}"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "cannot be written to" in said


@pytest.mark.slow
def test_an_interrupt_while_the_workers_load_is_one_line_and_code_130(tmp_path):
    """Each worker printed the traceback of an interrupted import."""
    words = ["policy=still", "episodes=1000", f"out={tmp_path / 'out'}"]
    command = [sys.executable, "-m", "crl_learning.eval_cli", *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 120
        while not (tmp_path / "out").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.strip() == "crl-eval: stopped"


def test_what_is_started_while_interrupts_are_held_never_gets_one():
    code = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))"
    with interrupts_held():
        inside = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    outside = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (inside.stdout.strip(), outside.stdout.strip()) == ("True", "False")


@pytest.mark.parametrize("tasks", [("reach",), ("reach", "push")])
def test_the_table_fits_into_80_characters_without_breaking_a_cell(tasks):
    shares = {f"{key}{end}": 1.0 for key in ("success_final", "success_any") for end in ("", "_low", "_high")}
    summary = shares | {"episodes": 2000, "median_final_distance_cm": 12.345, "p90_final_distance_cm": 12.345}
    file = io.StringIO()
    Console(file=file, width=80).print(result_table(dict.fromkeys(tasks, summary), "models/reach, via direct"))
    rows = [line for line in file.getvalue().splitlines() if "%" in line]
    assert rows[0].count("100.0 % [100.0, 100.0]") == len(tasks)
    assert len(rows) == 3


@pytest.mark.slow
def test_an_evaluation_leaves_summary_trials_curves_and_videos(tmp_path, capsys):
    words = ["policy=oracle", "task=[reach,push]", "episodes=2", "seed=5", "workers=1", "videos=1", f"out={tmp_path}"]
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
    assert sorted(path.name for path in (tmp_path / "pairs").iterdir()) == ["oracle_push.png", "oracle_reach.png"]
    assert "<video" in (tmp_path / "report.html").read_text()
    assert "95 %" in capsys.readouterr().out


@pytest.mark.slow
def test_several_policies_and_seeds_are_run_on_the_same_starts_and_compared(tmp_path, capsys):
    words = ["policy=[oracle,still]", "episodes=1", "seed=[5,6]", "workers=1", "videos=0", f"out={tmp_path}"]
    assert main(words) == 0
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert [summary["policies"][name]["tasks"]["reach"]["episodes"] for name in ("oracle", "still")] == [2, 2]
    assert summary["comparisons"][0]["only_first"] == 2
    assert summary["seed"] == [5, 6]
    with (tmp_path / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["policy"], row["seed"]) for row in rows] == [(p, s) for p in ("oracle", "still") for s in ("5", "6")]
    assert "oracle" in capsys.readouterr().out


def test_all_tasks_are_those_of_the_robot():
    config = load_settings(EvalConfig, config_file("eval.yaml"), ["policy=still", "task=all", "robot=sawyer"])
    assert config.tasks == tuple(robot("sawyer").tick_limits)


def test_every_policy_is_run_on_every_task_with_every_seed():
    words = ["checkpoint=[a,b]", "policy=still", "task=[reach,push]", "seed=[0,1]", "episodes=3"]
    jobs = load_settings(EvalConfig, config_file("eval.yaml"), words).jobs()
    assert len({(job.subject.name, job.task, job.seed) for job in jobs}) == len(jobs) == 3 * 2 * 2
    assert {job.episodes for job in jobs} == {3}
