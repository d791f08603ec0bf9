import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from crl_learning import demo
from crl_learning.demo_words import outcome_lines
from crl_robot.errors import ConfigError
from crl_robot.graph import GraphError

REPOSITORY = Path(__file__).parents[2]


def test_arguments_become_typed_options_and_empty_ones_keep_the_default():
    options = demo.parse(["task=push", "seed=3", "timeout=12.5", "goal=", "checkpoint="])
    assert options == demo.DemoOptions(task="push", seed=3, timeout=12.5)


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("gaol=x.png", "did you mean 'goal'"),
        ("goal", "key=value"),
        ("seed=many", "seed=many"),
        ("timeout=0", "timeout"),
        ("seed=-1", "seed"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(argument, says):
    with pytest.raises(ConfigError, match=says):
        demo.parse([argument])


@pytest.mark.parametrize("arguments", [["gaol=x.png"], ["goal=missing.png"], ["task=raech"], ["checkpoint=nowhere"]])
def test_bad_input_ends_with_2_before_anything_is_started(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(demo, "Graph", None)
    assert demo.main([f"out={tmp_path}", *arguments]) == 2
    assert "crl-demo:" in capsys.readouterr().err


@pytest.mark.parametrize(("code", "expected"), [(2, 2), (1, 1), (None, 1)])
def test_the_exit_code_tells_bad_input_from_a_failure(code, expected, tmp_path, monkeypatch):
    def run(*_):
        raise GraphError("the policy process ended", code)

    goal = tmp_path / "goal.png"
    Image.fromarray(np.zeros((240, 320, 3), np.uint8)).save(goal)
    monkeypatch.setattr(demo, "_run", run)
    assert demo.main([f"goal={goal}", f"checkpoint={tmp_path}", f"out={tmp_path}"]) == expected


def test_an_earlier_demo_in_the_folder_is_replaced_and_this_is_said(tmp_path, monkeypatch, capsys):
    def run(*_):
        raise GraphError("the policy process ended", 1)

    goal = tmp_path / "goal.png"
    Image.fromarray(np.zeros((240, 320, 3), np.uint8)).save(goal)
    (tmp_path / "report.json").write_text('{"reached": true}')
    monkeypatch.setattr(demo, "_run", run)
    words = [f"goal={goal}", f"checkpoint={tmp_path}", f"out={tmp_path}"]
    assert demo.main(words) == 1
    assert "replacing the demo in" in capsys.readouterr().err
    assert not (tmp_path / "report.json").exists()
    assert demo.main(words) == 1
    assert "replacing" not in capsys.readouterr().err


def test_an_output_folder_that_cannot_be_made_is_one_line_and_code_2(tmp_path, capsys):
    """It was a traceback."""
    (tmp_path / "file").touch()
    assert demo.main([f"out={tmp_path / 'file'}"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def report(**changes) -> dict:
    measured = {"rate_hz": 5.0, "lateness_ms": None, "dropped_frames": 0, "seconds": 6.0, "steps": 30}
    return measured | {"reached": False, "reached_by": "critic: ...", "headline": "H", "because": "B"} | changes


@pytest.mark.parametrize(
    ("changes", "begin"),
    [
        ({"reached": True, "reached_by": "simulation: ...", "because": "1.0 cm from the goal"}, "reached: 1.0 cm from"),
        ({"reached_by": "simulation: ...", "because": "9.0 cm from the goal"}, "NOT reached: 9.0 cm from the goal, "),
        ({"because": "last estimate -33.20, threshold -0.5"}, "NOT reached. H: last estimate -33.20, threshold -0.5,"),
        ({"reached": True, "headline": "The critic believes it"}, "The critic believes it: B, 6.0 s, 30 steps"),
    ],
)
def test_the_first_line_says_who_believes_what(tmp_path, changes, begin):
    assert outcome_lines(report(**changes), tmp_path)[0].startswith(begin)


def make_demo(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", "-n", "demo", *words], cwd=REPOSITORY, capture_output=True, text=True, check=False)


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize("word", ["GAOL=x.png", "goal=x.png"])
def test_make_demo_refuses_a_misspelt_variable(word):
    """It ran the default goal in silence."""
    done = make_demo(word)
    assert done.returncode == 2
    assert f"does not know {word[:4]}; it takes GOAL" in done.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_demo_passes_its_variables_on():
    done = make_demo("GOAL=my goal.png", "SEED=3")
    assert done.returncode == 0, done.stderr
    assert '"goal=my goal.png"' in done.stdout
    assert '"seed=3"' in done.stdout


def test_the_rendered_goal_depends_on_task_and_seed_alone(tmp_path):
    files = [tmp_path / name for name in ("one.png", "again.png", "other.png")]
    for file, seed in zip(files, (7, 7, 8), strict=True):
        demo.render_goal_file("reach", seed, file)
    one, again, other = (file.read_bytes() for file in files)
    assert one == again != other


def test_the_policy_is_given_the_goal_and_the_simulation_the_same_episode(tmp_path):
    options = demo.DemoOptions(task="push", seed=11)
    sim, policy = demo.demo_nodes(options, tmp_path / "goal.png", tmp_path / "checkpoint")
    assert sim.parameters["episode_seed"] == 11
    assert sim.parameters["task"] == "push"
    assert policy.parameters["goal"] == str(tmp_path / "goal.png")
    assert policy.parameters["start_on_activate"] is False


def test_help_needs_neither_torch_nor_mujoco_nor_ros():
    code = (
        "import sys; from crl_learning.demo import main; assert main(['--help']) == 0; "
        "sys.exit(bool({'torch', 'mujoco', 'rclpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "goal=FILE" in done.stdout


@pytest.mark.ros
@pytest.mark.slow
def test_a_policy_that_has_learned_nothing_leaves_all_files_and_exit_code_1(untrained, tmp_path):
    pytest.importorskip("rclpy")
    out = tmp_path / "demo"
    command = [sys.executable, "-m", "crl_learning.demo", f"checkpoint={untrained}", f"out={out}", "timeout=2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=150)
    assert done.returncode == 1, done.stderr
    assert len(done.stdout.splitlines()) == 3
    report = json.loads((out / "report.json").read_text())
    assert report["reached"] is False
    assert report["final_distance_cm"] > 1.5
    assert 5 <= report["steps"] <= 12
    assert report["rate_hz"] == pytest.approx(5.0, rel=0.2)
    assert report["frames"] > 10
    assert {"lateness_ms", "age_ms", "dropped_frames", "seconds", "checkpoint", "goal", "command"} <= set(report)
    for name in ("demo.mp4", "summary.png", "data.csv", "goal.png", "log/sim.log", "log/policy.log"):
        assert (out / name).is_file()
