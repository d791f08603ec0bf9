"""The arm node on controllers of ros2_control; the WidowX's own model stands for the user's."""

import numpy as np
import pytest

pytest.importorskip("rclpy")

from arm_rig import running
from fake_ros2_control import CLOSED, FINGER, OPEN, FakeRos2Control

from crl_robot.kinematics import ASSETS, HOME_Q, JOINT_NAMES

pytestmark = pytest.mark.ros
SETTINGS = {
    "robot": "ros2_control",
    "model": str(ASSETS / "wx250s.xml"),
    "ros2_control.joints": list(JOINT_NAMES),
    "ros2_control.home": HOME_Q.tolist(),
    "ros2_control.joint_states_topic": "/theirs/joint_states",
    "ros2_control.command_topic": "/arm_controller/command",
    "ros2_control.gripper_joint": FINGER,
    "ros2_control.gripper_topic": "/gripper_controller/command",
    "ros2_control.gripper_closed": CLOSED,
    "ros2_control.gripper_open": OPEN,
    "connect_s": 30.0,
}
PATIENT = {
    "ros2_control.silence_s": 1.0,
    "limits.stale_joints_s": 1.5,
    "limits.clock_jump_s": 2.0,
    "limits.stale_action_s": 2.0,
    "limits.hold_periods": 5.0,
}
"""A machine that is busy with other tests may keep controllers or node from running for a while."""


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    with running(tmp_path_factory.mktemp("log"), **SETTINGS, **PATIENT) as client:
        start = dict(zip(JOINT_NAMES, HOME_Q.tolist(), strict=True))
        robot = FakeRos2Control(client.node, start=start, states="/theirs/joint_states")
        try:
            client.ready()
            yield client, robot
            assert client.graph.stop() == {"arm": 0}
        finally:
            robot.close()


@pytest.fixture
def robot(rig):
    return rig[1]


@pytest.fixture
def client(rig):
    client = rig[0]
    assert client.ask("arm/reset").success
    assert client.enable().success
    return client


def test_before_it_is_enabled_nothing_is_sent_and_the_description_is_left_to_others(rig):
    """Comes first: later tests enable it."""
    client, robot = rig
    client.sleep(0.3)
    assert client.mode() == "disabled"
    assert robot.received == 0
    np.testing.assert_allclose(client.joints()[:6], HOME_Q, atol=1e-9)
    assert not client.got["robot_description"]


def test_actions_move_the_arm_and_its_gripper(client, robot):
    height = client.height()
    client.act(0, 0, 0.02, 0, 0, 0, 1)
    client.until(lambda: client.height() > height + 0.015, "motion")
    client.until(lambda: client.joints()[6] > 0.5, "open gripper")
    assert robot.finger_target() < CLOSED


def test_joint_states_that_fall_silent_latch_the_estop_until_they_are_back_and_it_is_reset(client, robot):
    robot.silent = True
    client.until(lambda: client.mode() == "estopped", "e-stop")
    assert "silent" in client.status()["reason"]
    robot.silent = False
    client.until(lambda: client.ask("arm/reset").success, "reset")
    client.until(lambda: client.mode() == "disabled", "disabled")
