"""What the judge knows was written down a second time; here both are compared with the vendor's and with each other."""

import numpy as np
import pytest

from crl_robot.bench.known_arm import ALL_IDS, START_JOINTS, TICK_LIMITS, angle_from_ticks, tool_position
from crl_robot.control.safety import SafetyLimits
from crl_robot.kinematics import Kinematics
from crl_robot.widowx.servo_table import load_servo_table


@pytest.mark.parametrize(
    ("joints", "tool"),
    [
        ([0, 0, 0, 0, 0, 0], (0.458325, 0, 0.36065)),
        ([0, -1.80, 1.55, 0, 0.8, 0], (0.122652, 0, 0.081264)),
        ([0, -0.96, 1.16, 0, -0.3, 0], (0.226534, 0, 0.260949)),
        (
            [-0.13192235, -0.76238847, 0.44485444, -0.01994175, 1.7564081, -0.15953401],
            (0.120201, -0.019085, 0.246696),
        ),
    ],
)
def test_the_tool_is_where_published_poses_say(joints, tool):
    np.testing.assert_allclose(tool_position(joints), tool, atol=1e-6)


def test_the_two_kinematics_agree_everywhere():
    kinematics, rng = Kinematics(), np.random.default_rng(0)
    joints = rng.uniform(*kinematics.joint_limits.T, (200, 6))
    expected = [kinematics.forward(q).position for q in joints]
    np.testing.assert_allclose(tool_position(joints), expected, atol=1e-6)


def test_the_campaign_starts_above_the_table():
    np.testing.assert_allclose(tool_position(START_JOINTS), [0.3, 0.0, 0.15], atol=1e-3)


def test_both_tables_of_limits_agree():
    table = load_servo_table("wx250s")
    for servo in (*table.joints, *table.shadows):
        assert TICK_LIMITS[servo.servo_id] == (servo.low, servo.high)
    linkage, gripper = table.gripper.linkage, TICK_LIMITS[9]
    assert gripper[0] <= linkage.ticks_from_opening(0.0) <= gripper[0] + 3
    assert gripper[1] - 3 <= linkage.ticks_from_opening(1.0) <= gripper[1]
    assert set(ALL_IDS) == {servo.servo_id for servo in table.servos}


def test_the_judge_allows_no_more_than_the_node_by_default():
    from crl_robot.bench import known_arm

    limits = SafetyLimits()
    assert (limits.workspace_low, limits.workspace_high) == (known_arm.BOX_LOW, known_arm.BOX_HIGH)
    assert (limits.leash_m, limits.max_step_m) == (known_arm.LEASH_M, known_arm.LARGEST_STEP_M)
    assert limits.joint_speed == known_arm.JOINT_SPEED


def test_half_a_turn_is_2048_ticks():
    np.testing.assert_allclose(angle_from_ticks([0, 2048, 3072]), [-np.pi, 0.0, np.pi / 2])
