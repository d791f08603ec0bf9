"""What the ros2_control driver sends to its controllers, and when it sends nothing."""

import numpy as np
import pytest

pytest.importorskip("rclpy")

import rclpy
from fake_ros2_control import FakeRos2Control
from ros2_control_rig import JOINTS, START, delivered, eventually, until_error
from trajectory_msgs.msg import JointTrajectory

from crl_robot.errors import ArmError

pytestmark = pytest.mark.ros


def test_nothing_is_published_before_it_is_enabled(robot, connect):
    arm = connect()
    arm.hold()
    with pytest.raises(ArmError, match="enable"):
        arm.command(START, 0.0)
    arm.close()
    assert not sum(arm.sent.values())


def test_a_controller_that_goes_away_is_noticed_by_the_next_command_and_by_a_hold(robot, arm):
    robot.stop_listening()
    until_error(lambda: arm.command(arm.read().position, 0.0), "no controller listens")
    with pytest.raises(ArmError, match="no controller listens"):
        arm.hold()


def test_another_program_on_the_command_topic_is_refused_before_and_after_connecting(node, robot, connect):
    theirs = rclpy.create_node("rival")
    publisher = theirs.create_publisher(JointTrajectory, "/arm_controller/command", 1)
    with pytest.raises(ArmError, match="in use by /rival"):
        connect()
    theirs.destroy_publisher(publisher)
    arm = connect()
    arm.enable()
    publisher = theirs.create_publisher(JointTrajectory, "/arm_controller/command", 1)
    until_error(lambda: arm.command(arm.read().position, 0.0), "another program")
    theirs.destroy_node()


def test_a_target_far_from_the_measured_joints_or_beyond_their_limits_is_refused(robot, arm):
    with pytest.raises(ArmError, match=r"lift is 0\.600 rad from"):
        arm.command(START + np.array([0, 0.6, 0]), 0.0)
    with pytest.raises(ArmError, match="expected -2 to 2 rad"):
        arm.command(START + np.array([0, 0, 1.8]), 0.0)


@pytest.mark.slow
def test_ten_thousand_random_commands_never_send_a_target_outside_the_limits_or_far_from_the_arm(robot, connect):
    arm = connect(silence_s=30.0)  # ten thousand commands leave the fake in this process little time to speak
    arm.enable()
    rng, leads, refused = np.random.default_rng(0), [], 0
    for number in range(10_000):
        measured = arm.read().position
        wanted = rng.uniform(-4, 4, 3) if number % 10 == 0 else measured + rng.uniform(-0.6, 0.6, 3)
        try:
            arm.command(wanted, 0.0)
            leads.append(np.abs(wanted - measured).max())
        except ArmError:
            refused += 1
    assert min(refused, len(leads)) > 1000
    assert max(leads) < 0.5 + 0.2, "the arm may have moved since it was read"
    assert (robot.farthest[0] >= [-3, -2, -2]).all()
    assert (robot.farthest[1] <= [3, 2, 2]).all()


def test_holding_again_sends_nothing_so_that_a_sagging_arm_does_not_creep(robot, arm):
    delivered(arm, robot)
    target = robot.joints("target")
    robot.value = {"lift": START[1] + 0.02}
    eventually(lambda: arm.read().position[1] > START[1] + 0.01)
    before = dict(arm.sent)
    arm.hold()
    assert arm.sent == before
    np.testing.assert_array_equal(robot.joints("target"), target)


def test_an_arm_that_somebody_else_moved_is_not_sent_back_by_a_hold(robot, arm):
    delivered(arm, robot)
    robot.push(START + 1.0)
    eventually(lambda: arm.read().position[0] > 1)
    arm.hold()
    delivered(arm, robot)
    np.testing.assert_allclose(robot.joints("target"), START + 1.0, atol=1e-6)


def test_connecting_says_what_is_missing(node, connect, closing):
    with pytest.raises(ArmError, match="joint_state_broadcaster"):
        connect(connect_timeout_s=0.3)
    robot = closing(FakeRos2Control(node))
    with pytest.raises(ArmError, match="no controller listens on /other"):
        connect(command_topic="/other", connect_timeout_s=1.0)
    robot.order = list(JOINTS)
    with pytest.raises(ArmError, match="no position of 'finger'"):
        connect(connect_timeout_s=1.0)


def test_health_tells_ages_counts_and_who_listens(robot, arm):
    health = arm.diagnostics()
    assert health["controllers"] == "listening"
    assert 0 <= health["joints_age_ms"] < 1000
    assert health["joint_states_taken"] > 0
    arm.close()
    assert arm.diagnostics()["controllers"] == "not listening"
