"""What the ros2_control driver takes from joint states, and what it refuses."""

import time

import numpy as np
import pytest

pytest.importorskip("rclpy")

from fake_ros2_control import FINGER, FakeRos2Control
from rclpy.time import Time
from ros2_control_rig import START, delivered, eventually, reads, until_error

from crl_robot.errors import ArmError

pytestmark = pytest.mark.ros


def test_an_arm_without_a_gripper_says_closed_and_commands_only_its_joints(node, closing, connect):
    robot = closing(FakeRos2Control(node, gripper="none"))
    arm = connect(gripper_joint="", gripper_topic="")
    arm.enable()
    arm.command(START + 0.1, 1.0)
    delivered(arm, robot)
    np.testing.assert_allclose(robot.joints("target"), START + 0.1)
    assert arm.read().gripper == 0.0


def test_joints_that_come_without_velocities_get_them_from_two_positions(robot, connect):
    robot.without_velocity = True
    arm = connect()
    arm.enable()
    assert (arm.read().velocity == 0).all()
    arm.command(START + 0.4, 0.0)
    eventually(lambda: arm.read().velocity.min() > 1)


def test_a_reading_has_the_stamp_of_its_message(robot, arm):
    before_ns = time.time_ns()
    eventually(lambda: arm.read().stamp_ns > before_ns)
    assert arm.read().stamp_ns < time.time_ns()
    assert arm.read().receive_stamp_ns > arm.read().stamp_ns


def test_when_the_joint_states_fall_silent_reading_commanding_and_holding_fail(robot, arm):
    robot.silent = True
    until_error(arm.read, "/joint_states is silent")
    with pytest.raises(ArmError, match="silent"):
        arm.command(START, 0.0)
    with pytest.raises(ArmError, match="silent"):
        arm.hold()
    robot.silent = False
    eventually(lambda: reads(arm))


def test_an_arm_that_is_heard_again_after_a_silence_holds_where_it_is(robot, connect):
    arm = connect(silence_s=0.2)
    arm.enable()
    arm.command(START + 0.3, 0.0)
    robot.silent = True
    until_error(arm.read, "silent")
    robot.silent = False
    eventually(lambda: reads(arm))
    arm.hold()
    delivered(arm, robot)
    np.testing.assert_allclose(robot.joints("target"), robot.joints(), atol=0.01)


@pytest.mark.parametrize(
    ("fault", "match"),
    [
        ({"value": {"lift": float("nan")}}, "lift is not a number"),
        ({"order": ["pan", "bend", FINGER]}, "lacks lift"),
        ({"stamp_offset_ns": -(10**20)}, "no stamp"),
    ],
)
def test_a_message_that_cannot_be_used_is_an_error_and_never_a_number(robot, arm, fault, match):
    for name, value in fault.items():
        setattr(robot, name, value)
    until_error(arm.read, match)


def test_after_the_clock_was_set_back_stamps_are_not_taken_until_reset(robot, arm, node, monkeypatch):
    hour_ns = 3_600_000_000_000
    monkeypatch.setattr(node, "get_clock", lambda: SetBack(hour_ns))
    robot.stamp_offset_ns = -hour_ns
    until_error(arm.read, "not newer")
    arm.reset()
    arm.read()


def test_stamps_of_another_clock_are_refused(robot, arm):
    robot.stamp_offset_ns = 3_000_000_000
    until_error(arm.read, "one clock")


def test_the_gripper_has_an_age_of_its_own(robot, connect):
    arm = connect(gripper_silence_s=0.3)
    robot.order = [name for name in robot.order if name != FINGER]
    until_error(arm.read, "joint 'finger' was silent")


class SetBack:
    """The clock of a node after somebody has set it back."""

    def __init__(self, by_ns):
        self._by_ns = by_ns

    def now(self):
        return Time(nanoseconds=time.time_ns() - self._by_ns)
