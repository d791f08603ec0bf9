import pytest

from crl_robot.errors import ArmError
from crl_robot.sawyer.model import GRIPPER_STROKE_M, NEUTRAL_Q
from crl_robot.sawyer.settings import SawyerSettings


def test_an_opening_reaches_the_gripper_in_metres_and_is_clipped(arm, robot):
    for asked, gap in ((0.25, 0.25), (-1.0, 0.0), (2.0, 1.0)):
        arm.command(NEUTRAL_Q, asked)
        arm.round_trip_ms()
        assert robot.gripper.target_m == pytest.approx(gap * GRIPPER_STROKE_M)


def test_a_command_that_got_lost_is_sent_again(arm, robot, eventually):
    robot.gripper.lose = 1

    def closed():
        arm.command(NEUTRAL_Q, 0.0)
        return robot.gripper.target_m == 0.0

    eventually(closed)
    assert robot.refusals["gripper command lost"] == 1


def test_an_unchanged_opening_is_not_sent_again(arm, robot, eventually):
    arm.command(NEUTRAL_Q, 0.5)
    arm.round_trip_ms()
    robot.gripper.lose = 1000
    for _ in range(20):
        arm.command(NEUTRAL_Q, 0.501)
    arm.round_trip_ms()
    assert robot.refusals["gripper command lost"] <= 1


def test_a_gripper_that_is_not_calibrated_stops_the_command_before_the_joints(arm, robot, until_error):
    robot.gripper.calibrated = False
    assert "calibrate_gripper" in str(until_error(lambda: arm.command(NEUTRAL_Q, 0.5)))
    commands = robot.commands
    with pytest.raises(ArmError, match="not calibrated"):
        arm.command(NEUTRAL_Q + 0.1, 0.5)
    arm.round_trip_ms()
    assert robot.commands == commands
    arm.calibrate_gripper()
    arm.command(NEUTRAL_Q, 0.5)


def test_an_error_of_the_gripper_is_told(arm, robot, until_error):
    robot.gripper.error = True
    assert "gripper reports an error" in str(until_error(lambda: arm.command(NEUTRAL_Q, 0.5)))


def test_a_silent_gripper_is_an_error_of_the_reading(connect, robot, until_error):
    arm = connect(SawyerSettings(silence_s=1.0, gripper_silence_s=0.3))
    robot.mute = {"/io/end_effector/right_gripper/state"}
    assert "gripper were silent" in str(until_error(arm.read))
