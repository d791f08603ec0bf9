"""What stops a Sawyer, and what does not start it again."""

import time

import numpy as np
import pytest

from crl_robot.emulators.rosbridge.plant import ServoPlant
from crl_robot.emulators.rosbridge.sawyer import EmulatedSawyer
from crl_robot.errors import ArmError
from crl_robot.sawyer.model import JOINT_LIMITS, NEUTRAL_Q
from crl_robot.sawyer.settings import SawyerSettings

STEP = NEUTRAL_Q + 0.1


def still(robot, seconds=0.1):
    before = robot.joints()[0]
    time.sleep(seconds)
    return np.abs(robot.joints()[0] - before).max() < 1e-3


def test_connecting_neither_enables_nor_commands(connect, robot):
    connect()
    assert not robot.power.enabled
    assert robot.commands == 0
    assert not robot.refusals


def test_connecting_sets_the_command_timeout_and_the_speed_ratio(connect, robot, eventually):
    connect(SawyerSettings(command_timeout_s=0.15, speed_ratio=0.2))
    eventually(lambda: (robot.timeout_s, robot.speed_ratio) == (0.15, 0.2))


def test_a_disabled_arm_refuses_commands_and_is_told_nothing(connect, robot):
    arm = connect()
    with pytest.raises(ArmError, match="disabled: enable"):
        arm.command(STEP, 0.5)
    arm.round_trip_ms()
    assert not robot.refusals
    assert robot.commands == 0


def test_disable_ends_motion(arm, robot):
    arm.command(STEP, 0.5)
    arm.disable()
    assert not robot.power.enabled
    with pytest.raises(ArmError, match="disabled"):
        arm.command(STEP, 0.5)
    assert still(robot)


def test_a_pressed_button_is_named_and_only_release_reset_and_enable_bring_the_arm_back(
    arm, robot, until_error, eventually
):
    robot.power.press()
    assert "button is pressed" in str(until_error(lambda: arm.command(STEP, 0.5)))
    for refused in (arm.enable, arm.reset):
        with pytest.raises(ArmError, match="button is pressed"):
            refused()
    robot.power.release()
    eventually(lambda: arm.state.estop_button == "released")
    with pytest.raises(ArmError, match="stop is latched"):
        arm.enable()
    arm.reset()
    assert not arm.state.enabled
    arm.enable()
    arm.command(STEP, 0.5)
    arm.round_trip_ms()
    np.testing.assert_array_equal(robot.target, STEP)


def test_the_target_before_a_stop_does_not_come_back_after_it(arm, robot):
    arm.command(NEUTRAL_Q + 0.3, 0.5)
    arm.stop()
    arm.reset()
    arm.enable()
    commands = robot.commands
    for _ in range(20):
        arm.read()
        time.sleep(0.01)
    arm.round_trip_ms()
    assert robot.commands == commands
    assert still(robot)


def test_a_joint_fault_is_told_and_latched(arm, robot, until_error):
    robot.power.fail()
    assert "latched (source: fault)" in str(until_error(lambda: arm.command(STEP, 0.5)))
    arm.reset()
    arm.enable()


def test_hold_of_a_stopped_arm_sends_nothing(arm, robot, eventually):
    robot.power.press()
    eventually(lambda: arm.state.stopped)
    arm.hold()
    arm.round_trip_ms()
    assert not robot.refusals


def test_ten_thousand_random_commands_never_send_a_target_outside_the_limits_or_far_from_the_arm(connect, server):
    robot = EmulatedSawyer(ServoPlant(JOINT_LIMITS[:, 1] - 0.1))
    server.robot = robot
    arm = connect(SawyerSettings(silence_s=60.0, state_silence_s=60.0, gripper_silence_s=60.0))
    arm.enable()
    rng = np.random.default_rng(0)
    sent, refused = 0, []
    for index in range(10_000):
        if index % 250 == 0:
            arm.round_trip_ms()  # the emulator has caught up: on a busy machine it falls behind by seconds
        target = robot.target + rng.uniform(-0.2, 0.2, 7) * rng.choice([1.0, 1.0, 4.0])
        try:
            arm.command(target, rng.uniform(-1, 2))
            sent += 1
        except ArmError as error:
            refused.append(str(error))
    arm.round_trip_ms()
    assert len(refused) > 100
    assert not [text for text in refused if "expected" not in text]
    assert sent > 100
    assert robot.commands == sent
    assert not robot.refusals


def test_a_target_far_from_the_arm_is_refused(arm, robot):
    with pytest.raises(ArmError, match=r"right_j3 is 0\.600 rad"):
        arm.command(NEUTRAL_Q + np.array([0, 0, 0, 0.6, 0, 0, 0]), 0.5)
    assert robot.commands == 0


def test_reading_keeps_a_target_in_force_and_not_reading_lets_it_time_out(arm, robot, eventually):
    arm.command(NEUTRAL_Q + 0.3, 0.5)
    end = time.monotonic() + 2 * robot.timeout_s
    while time.monotonic() < end:
        arm.read()
        time.sleep(0.01)
    assert robot.following
    eventually(lambda: not robot.following)
    stopped = robot.joints()[0]
    assert np.abs(stopped - robot.target).max() > 0.01
    for _ in range(10):
        arm.read()
    arm.round_trip_ms()
    assert not robot.following, "a target that timed out came back by itself"
