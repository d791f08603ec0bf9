import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from crl_learning import demo
from crl_robot.errors import ConfigError
from crl_robot.graph import GraphError


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
