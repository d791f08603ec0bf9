"""What a policy node that died leaves to the one that is started in its place."""

import json
import os
import signal

import numpy as np
import pytest

from crl_learning.runtime.memory import FACTS, NOTHING, Going, RunMemory
from crl_robot.errors import ConfigError
from crl_robot.goal_image import GoalImage

GOALS = [GoalImage(np.full((4, 6, 3), level, np.uint8), (f"warned of {level}",), str(level)) for level in (10, 20)]


RUNNING = Going(0, begins=True, source=True, speed=1.0)


def kept(folder, goals=GOALS, going=RUNNING):
    """A memory that an earlier process has begun and written to."""
    memory = RunMemory(folder)
    memory.begin()
    memory.keep(lambda: (goals, going))
    return memory


def test_goals_stage_and_speed_come_back_as_they_were(tmp_path):
    memory = RunMemory(tmp_path / "policy")
    assert memory.begin() is None
    memory.keep(lambda: (GOALS, RUNNING))
    going = Going(1, begins=True, source=False, speed=0.5)
    memory.keep(lambda: (GOALS, going))
    found = RunMemory(tmp_path / "policy").begin()
    assert found.going == going
    assert [(goal.source, *goal.warnings) for goal in found.goals] == [("10", "warned of 10"), ("20", "warned of 20")]
    assert all(np.array_equal(goal.image, one.image) for goal, one in zip(found.goals, GOALS, strict=True))


def test_other_goals_replace_those_before_and_leave_no_file_of_them(tmp_path):
    memory = kept(tmp_path)
    memory.keep(lambda: (GOALS[1:], RUNNING))
    assert len(list(tmp_path.glob("goals-*"))) == 1
    (goal,) = RunMemory(tmp_path).begin().goals
    assert goal.image[0, 0, 0] == 20


def test_a_node_that_dies_again_before_it_took_over_leaves_the_goals_and_begins_nothing(tmp_path):
    kept(tmp_path)
    assert RunMemory(tmp_path).begin().going.begins
    again = RunMemory(tmp_path).begin()
    assert len(again.goals) == 2
    assert not again.going.begins


def test_a_node_that_had_no_goal_left_none(tmp_path):
    kept(tmp_path, ())
    assert RunMemory(tmp_path).begin().goals == ()


def test_nothing_is_written_twice(tmp_path):
    memory = kept(tmp_path)
    before = (tmp_path / FACTS).stat().st_ino
    memory.keep(lambda: (list(GOALS), RUNNING))
    assert (tmp_path / FACTS).stat().st_ino == before
    memory.keep(lambda: (GOALS, Going(1, begins=True, source=True, speed=1.0)))
    assert (tmp_path / FACTS).stat().st_ino != before


@pytest.mark.parametrize(
    "change", [{"speed": 7}, {"speed": "x"}, {"stage": 5}, {"begins": "yes"}, {"goals": [{}]}, {"file": "no.npy"}, None]
)
def test_what_cannot_be_understood_begins_nothing(tmp_path, change):
    kept(tmp_path)
    facts = json.loads((tmp_path / FACTS).read_text())
    (tmp_path / FACTS).write_text(json.dumps(facts | change) if change else "")
    assert not RunMemory(tmp_path).begin().going.begins


def test_pictures_that_were_cut_short_begin_nothing(tmp_path):
    kept(tmp_path)
    (file,) = tmp_path.glob("goals-*")
    file.write_bytes(b"")
    assert RunMemory(tmp_path).begin() == NOTHING


def test_what_cannot_be_kept_is_forgotten_and_written_when_there_is_room(tmp_path, monkeypatch):
    memory = kept(tmp_path)
    stopped = Going(0, begins=False, source=True, speed=1.0)
    monkeypatch.setattr("numpy.save", full)
    memory.keep(lambda: (GOALS[:1], stopped))
    assert "No space left" in memory.failure
    assert not (tmp_path / FACTS).exists()
    monkeypatch.undo()
    memory.keep(lambda: (GOALS[:1], stopped))
    assert not memory.failure
    found = RunMemory(tmp_path).begin()
    assert found.going == stopped
    assert [goal.source for goal in found.goals] == ["10"]


def test_a_full_disk_is_not_filled_further_by_trying_again(tmp_path, monkeypatch):
    def cut_short(file, _):
        file.write_bytes(b"half")
        full()

    memory = kept(tmp_path)
    monkeypatch.setattr("numpy.save", cut_short)
    for _ in range(5):
        memory.keep(lambda: (GOALS[:1], RUNNING))
    assert len(list(tmp_path.glob("goals-*"))) <= 2


def test_what_an_earlier_process_left_is_not_written_again(tmp_path):
    kept(tmp_path)
    (before,) = tmp_path.glob("goals-*")
    stamp = before.stat().st_mtime_ns
    memory = RunMemory(tmp_path)
    goals = memory.begin().goals
    memory.keep(lambda: (goals, RUNNING))
    (after,) = tmp_path.glob("goals-*")
    assert (after.name, after.stat().st_mtime_ns) == (before.name, stamp)


def test_a_folder_that_cannot_be_written_to_is_refused_before_anything_runs(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"cannot be kept in .*free the disk, or use respawn:=false"):
        RunMemory(tmp_path / "file" / "policy").begin()


def full(*_, **__):
    raise OSError(28, "No space left on device")


rclpy = pytest.importorskip("rclpy")

from policy_rig import PretendedRobot, goal_file, peers, picture, policies, wait_until  # noqa: E402, F401
from sensor_msgs.msg import CompressedImage  # noqa: E402

from crl_robot.contracts import ActionSpec  # noqa: E402
from crl_robot.nodes.images import jpeg_message  # noqa: E402


@pytest.fixture
def world(peers):  # noqa: F811
    return peers(PretendedRobot, ActionSpec(), (320, 240))


@pytest.fixture
def remembering(goal_file, tmp_path):  # noqa: F811
    return {"goal": str(goal_file), "memory_folder": str(tmp_path / "memory")}


def killed(graph):
    os.kill(graph.pid("p0"), signal.SIGKILL)


@pytest.mark.ros
@pytest.mark.slow
def test_a_node_that_was_killed_goes_on_towards_the_last_goal(world, remembering, tmp_path):
    compressed = world.node.create_publisher(CompressedImage, "/goal/image/compressed", 1)
    with policies(tmp_path / "first", remembering) as graph:
        wait_until(lambda: len(world.got["action"]) > 2)
        compressed.publish(jpeg_message(picture(60), 1, "", 95))
        wait_until(lambda: world.status()["goal"] == "goal/image/compressed")
        killed(graph)
    before = len(world.got["action"])
    with policies(tmp_path / "second", remembering) as graph:
        wait_until(lambda: len(world.got["action"]) > before + 2)
        assert world.status()["goal"] == "goal/image/compressed"
        assert "goes on by itself" in graph.log_path("p0").read_text()


@pytest.mark.ros
@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "state", "source"),
    [("stop", "ended", True), ("hand_over", "handed_over", False), ("step", "paused", True)],
)
def test_a_node_that_was_killed_begins_nothing_that_did_not_go_on(world, remembering, tmp_path, asked, state, source):
    with policies(tmp_path / "first", remembering | {"start_on_activate": asked != "step"}) as graph:
        wait_until(lambda: world.got["status"] and world.status()["state"] in ("running", "ready"))
        wait_until(lambda: asked == "step" or len(world.got["action"]) > 2)
        assert world.call(f"/policy/{asked}").success
        wait_until(lambda: world.status()["state"] == state)
        killed(graph)
    before, told = len(world.got["action"]), len(world.got["status"])
    with policies(tmp_path / "second", remembering) as graph:
        wait_until(lambda: len(world.got["status"]) > told + 4)
        assert world.status()["state"] == "ready"
        assert world.status()["commands_arm"] is source
        assert "waits for policy/start" in graph.log_path("p0").read_text()
        assert len(world.got["action"]) == before
        assert world.call("/policy/start").success
        wait_until(lambda: len(world.got["action"]) > before)
