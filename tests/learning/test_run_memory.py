"""What a policy node that died leaves to the one that is started in its place."""

import json
import os
import signal

import numpy as np
import pytest

from crl_learning.runtime.memory import FACTS, Going, RunMemory
from crl_robot.errors import ConfigError
from crl_robot.goal_image import GoalImage

GOALS = [GoalImage(np.full((4, 6, 3), level, np.uint8), (f"warned of {level}",), str(level)) for level in (10, 20)]


def test_goals_stage_and_speed_come_back_as_they_were(tmp_path):
    memory = RunMemory(tmp_path / "policy")
    assert memory.read() is None
    memory.keep_goals(GOALS, Going(0, True, 1.0))
    memory.keep(Going(1, True, 0.5))
    found = RunMemory(tmp_path / "policy").read()
    assert found.going == Going(1, True, 0.5)
    assert [(goal.source, *goal.warnings) for goal in found.goals] == [("10", "warned of 10"), ("20", "warned of 20")]
    assert all(np.array_equal(goal.image, one.image) for goal, one in zip(found.goals, GOALS, strict=True))


def test_a_node_that_had_no_goal_left_none(tmp_path):
    RunMemory(tmp_path).keep(Going(0, True, 1.0))
    assert RunMemory(tmp_path).read().goals == ()


def test_nothing_is_written_twice(tmp_path):
    memory = RunMemory(tmp_path)
    memory.keep(Going(0, True, 1.0))
    before = (tmp_path / FACTS).stat().st_mtime_ns
    memory.keep(Going(0, True, 1.0))
    assert (tmp_path / FACTS).stat().st_mtime_ns == before


@pytest.mark.parametrize("text", ["", "{}", '{"goals": [{}], "stage": 0, "begins": true, "speed": 1}', None])
def test_what_cannot_be_read_is_named_with_what_to_do(tmp_path, text):
    RunMemory(tmp_path).keep_goals(GOALS, Going(0, True, 1.0))
    if text is None:
        (tmp_path / FACTS).unlink()
    else:
        (tmp_path / FACTS).write_text(text)
    with pytest.raises(ConfigError, match=r"memory\.json does not say.*policy/start"):
        RunMemory(tmp_path).read()


def test_what_cannot_be_kept_is_forgotten_so_that_nothing_old_comes_back(tmp_path, monkeypatch):
    memory = RunMemory(tmp_path)
    memory.keep_goals(GOALS, Going(0, True, 1.0))
    monkeypatch.setattr("pathlib.Path.write_text", full)
    memory.keep(Going(0, False, 1.0))
    assert "No space left" in memory.failure
    assert not (tmp_path / FACTS).exists()
    monkeypatch.undo()
    memory.keep(Going(0, False, 1.0))
    assert not memory.failure
    assert not RunMemory(tmp_path).read().going.begins


def full(*_, **__):
    raise OSError(28, "No space left on device")


rclpy = pytest.importorskip("rclpy")

from policy_rig import PretendedRobot, goal_file, peers, picture, policies, wait_until  # noqa: E402, F401
from sensor_msgs.msg import CompressedImage  # noqa: E402

from crl_robot.contracts import ActionSpec  # noqa: E402
from crl_robot.nodes.images import jpeg_message  # noqa: E402


@pytest.mark.ros
@pytest.mark.slow
def test_a_node_that_was_killed_goes_on_towards_the_last_goal_and_begins_nothing_that_was_stopped(
    peers,  # noqa: F811
    goal_file,  # noqa: F811
    tmp_path,
):
    world = peers(PretendedRobot, ActionSpec(), (320, 240))
    compressed = world.node.create_publisher(CompressedImage, "/goal/image/compressed", 1)
    parameters = {"goal": str(goal_file), "memory_folder": str(tmp_path / "memory"), "wait_for_enable": False}

    def actions():
        return len(world.got["action"])

    with policies(tmp_path / "first", parameters) as graph:
        wait_until(lambda: actions() > 2)
        compressed.publish(jpeg_message(picture(60), 1, "", 95))
        wait_until(lambda: world.status()["goal"] == "goal/image/compressed")
        os.kill(graph.pid("p0"), signal.SIGKILL)
    killed = actions()
    with policies(tmp_path / "second", parameters) as graph:
        wait_until(lambda: actions() > killed + 2)
        assert world.status()["goal"] == "goal/image/compressed"
        assert world.call("/policy/stop").success
        wait_until(lambda: world.status()["state"] == "ended")
        os.kill(graph.pid("p0"), signal.SIGKILL)
    stopped, told = actions(), len(world.got["status"])
    with policies(tmp_path / "third", parameters) as graph:
        wait_until(lambda: len(world.got["status"]) > told + 4)
        assert world.status()["state"] == "ready"
        assert world.status()["goal"] == "goal/image/compressed"
        assert "waits for policy/start" in graph.log_path("p0").read_text()
        assert actions() == stopped
        assert world.call("/policy/start").success
        wait_until(lambda: actions() > stopped)
    assert not json.loads((tmp_path / "memory" / FACTS).read_text())["begins"]
