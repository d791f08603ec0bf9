"""The policy node as a process of its own, over DDS, against a robot that this process pretends to be."""

import os
import signal
import time

import numpy as np
import pytest

from crl_robot.contracts import ACTION_NAMES, ActionSpec
from crl_robot.graph import Graph, GraphError, NodeCommand

rclpy = pytest.importorskip("rclpy")

from policy_rig import SIZE, Peer, PretendedRobot, goal_file, peers, picture, policies, wait_until  # noqa: E402, F401
from sensor_msgs.msg import JointState  # noqa: E402
from std_msgs.msg import String  # noqa: E402

from crl_robot.nodes import messages  # noqa: E402

pytestmark = pytest.mark.ros


def ended(graph, name):
    """Exit code and log of a process that ends by itself."""

    def has_ended():
        try:
            graph.check()
        except GraphError as error:
            codes.append(error.exit_code)
        return bool(codes)

    codes = []
    wait_until(has_ended)
    return codes[0], graph.log_path(name).read_text()


def test_actions_come_at_the_rate_with_their_frames_stamp_until_stopped(peers, tmp_path, goal_file, untrained):  # noqa: F811
    world = peers(PretendedRobot, ActionSpec(), SIZE)
    with policies(tmp_path, {"goal": str(goal_file), "checkpoint": str(untrained)}) as graph:
        wait_until(lambda: len(world.got["action"]) >= 12)
        times = [at for at, _ in world.got["action"]]
        assert (len(times) - 1) / (times[-1] - times[0]) == pytest.approx(5.0, rel=0.1)
        for _, action in world.got["action"]:
            assert tuple(action.name) == ACTION_NAMES
            assert messages.ns_from_time(action.header.stamp) in world.sent_stamps
        lateness_ms, age_ms, inference_ms = world.got["timing"][-1][1].data
        assert 0 <= lateness_ms < 200
        assert 0 < age_ms < 300
        assert inference_ms >= 0
        assert len(world.got["estimate"]) >= 10
        seen = world.got["goal"][-1][1]
        assert (seen.width, seen.height, min(seen.data)) == (64, 64, 120)

        assert world.call("/policy/stop").success
        time.sleep(0.1)
        before = len(world.got["action"])
        time.sleep(0.6)
        assert len(world.got["action"]) == before
        assert world.call("/policy/start").success
        wait_until(lambda: len(world.got["action"]) > before)
        assert world.status()["state"] == "running"
        assert graph.stop() == {"p0": 0}


def test_a_stale_image_gives_no_action_and_a_new_goal_by_topic_is_checked_like_a_file(peers, tmp_path, goal_file):  # noqa: F811
    world = peers(PretendedRobot, ActionSpec(), SIZE)
    with policies(tmp_path, {"max_age_ms": 150.0}) as graph:
        wait_until(lambda: world.got["status"] and "no goal" in world.status()["reason"])
        assert world.got["action"] == []
        stamp_ns = time.time_ns()
        world.goals.publish(messages.msg_from_image(np.zeros((1, 1, 3), np.uint8), stamp_ns, ""))
        wait_until(lambda: "1x1" in world.status()["goal_refused"])
        assert world.got["action"] == []
        world.goals.publish(messages.msg_from_image(picture(60, (480, 640)), stamp_ns, ""))
        wait_until(lambda: world.got["action"])
        wait_until(lambda: world.status()["goal_refused"] == "")

        world.sees = False
        time.sleep(0.5)
        before = len(world.got["action"])
        time.sleep(0.6)
        assert len(world.got["action"]) == before
        wait_until(lambda: world.status()["counters"].get("skipped", 0) > 0)
        assert "ms old" in world.status()["reason"]
        world.sees = True
        wait_until(lambda: len(world.got["action"]) > before)
        os.kill(graph.pid("p0"), signal.SIGTERM)
        assert ended(graph, "p0")[0] == 0


def test_goals_checkpoints_and_devices_that_cannot_be_used_end_it_without_an_action(peers, tmp_path, goal_file):  # noqa: F811
    world = peers(PretendedRobot, ActionSpec(), SIZE)
    (tmp_path / "empty.png").touch()
    refused = (
        ({"goal": str(tmp_path / "empty.png")}, "empty.png is empty"),
        ({"goal": str(goal_file), "checkpoint": str(tmp_path / "no_such")}, "no_such"),
        ({"goal": str(goal_file), "device": "gpu"}, "device is 'gpu'; did you mean 'cpu'?"),
    )
    for parameters, says in refused:
        with policies(tmp_path, parameters) as graph:
            code, log = ended(graph, "p0")
        assert code == 2, log
        assert says in log
        assert "Traceback" not in log
    assert world.got["action"] == []


@pytest.mark.parametrize(
    ("spec", "size", "says"),
    [
        (ActionSpec(rate_hz=20.0), SIZE, ("rate_hz=5.0", "rate_hz=20.0")),
        (ActionSpec(), (640, 480), ("640x480", "320x240")),
    ],
)
def test_another_robot_than_the_checkpoints_is_refused_naming_both_values(peers, tmp_path, goal_file, spec, size, says):  # noqa: F811
    world = peers(PretendedRobot, spec, size)
    with policies(tmp_path, {"goal": str(goal_file)}) as graph:
        code, log = ended(graph, "p0")
    assert code != 0
    assert all(words in log for words in says), log
    assert world.got["action"] == []


def test_when_the_policy_is_killed_the_simulated_arm_holds_within_two_control_periods(peers, tmp_path, goal_file):  # noqa: F811
    arm = peers(
        Peer,
        commanded=(JointState, "/arm/commanded", messages.STATE_QOS),
        status=(String, "/arm/status", messages.LATCHED_QOS),
    )
    nodes = (
        NodeCommand("sim", "crl_robot.nodes.sim_node", "ros/sim.yaml"),
        NodeCommand(
            "policy",
            "crl_learning.nodes.policy_node",
            "ros/policy.yaml",
            {"checkpoint": "null"} | {"goal": str(goal_file)},
        ),
    )
    with Graph(nodes, tmp_path / "log") as graph:
        wait_until(lambda: len(arm.got["commanded"]) >= 5)
        assert arm.status()["mode"] == "moving"
        os.kill(graph.pid("policy"), signal.SIGKILL)
        wait_until(lambda: arm.status()["mode"] == "holding", seconds=5)
        held_s = arm.got["status"][-1][0] - arm.got["commanded"][-1][0]
        assert held_s <= 2 * ActionSpec().period_s + 0.1
