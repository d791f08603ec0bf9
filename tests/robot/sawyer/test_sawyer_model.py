from dataclasses import replace

import numpy as np
import pytest

from crl_robot.arm_model import ArmModel
from crl_robot.contracts import Pose
from crl_robot.errors import ConfigError
from crl_robot.geometry import matrix_from_quat, quat_from_matrix, rotation_angle
from crl_robot.kinematics import Kinematics
from crl_robot.sawyer.model import JOINT_LIMITS, NEUTRAL_Q, SAWYER

# Space-frame screw axes (w; v) from the published URDF, and the hand's place at zero joints.
SCREWS = np.array(
    [
        [0, 0, 1, 0, 0, 0],
        [0, 1, 0, -0.317, 0, 0.081],
        [1, 0, 0, 0, 0.317, -0.1925],
        [0, 1, 0, -0.317, 0, 0.481],
        [1, 0, 0, 0, 0.317, -0.024],
        [0, 1, 0, -0.317, 0, 0.881],
        [1, 0, 0, 0, 0.317, -0.1603],
    ]
)
TURN = 0.17453
HAND = np.array(
    [
        [0, 0, 1, 1.0155],
        [-np.cos(TURN), -np.sin(TURN), 0, 0.1603],
        [np.sin(TURN), -np.cos(TURN), 0, 0.317],
        [0, 0, 0, 1],
    ]
)


@pytest.fixture(scope="module")
def hand():
    return Kinematics(replace(SAWYER, tool="right_hand"))


@pytest.fixture(scope="module")
def tool():
    return Kinematics(SAWYER)


def product_of_exponentials(q):
    pose = np.eye(4)
    for (wx, wy, wz, *v), angle in zip(SCREWS, q, strict=True):
        hat = np.array([[0, -wz, wy], [wz, 0, -wx], [-wy, wx, 0]])
        step = np.eye(4)
        step[:3, :3] += np.sin(angle) * hat + (1 - np.cos(angle)) * hat @ hat
        step[:3, 3] = (angle * np.eye(3) + (1 - np.cos(angle)) * hat + (angle - np.sin(angle)) * hat @ hat) @ v
        pose = pose @ step
    return pose @ HAND


@pytest.mark.parametrize(
    ("q", "position"), [(np.zeros(7), (1.0155, 0.1603, 0.317)), (NEUTRAL_Q, (0.4496, 0.1603, 0.2158))]
)
def test_forward_kinematics_meet_the_published_vectors_within_a_tenth_of_a_millimetre(hand, q, position):
    assert np.linalg.norm(hand.forward(q).position - position) < 1e-4


def test_forward_kinematics_equal_the_product_of_exponentials(hand):
    for q in np.random.default_rng(0).uniform(*JOINT_LIMITS.T, (50, 7)):
        expected, got = product_of_exponentials(q), hand.forward(q)
        np.testing.assert_allclose(got.position, expected[:3, 3], atol=1e-9)
        assert rotation_angle(matrix_from_quat(got.quat_wxyz), expected[:3, :3]) < 1e-5


def test_the_model_has_the_published_limits_and_neutral_is_inside_of_them(tool):
    np.testing.assert_array_equal(tool.joint_limits, JOINT_LIMITS)
    assert ((JOINT_LIMITS[:, 0] < NEUTRAL_Q) & (JOINT_LIMITS[:, 1] > NEUTRAL_Q)).all()


def test_the_tool_points_down_at_neutral_twelve_centimetres_below_the_hand(tool, hand):
    pose = tool.forward(NEUTRAL_Q)
    np.testing.assert_allclose(matrix_from_quat(pose.quat_wxyz)[:, 0], [0, 0, -1], atol=1e-3)
    np.testing.assert_allclose(hand.forward(NEUTRAL_Q).position - pose.position, [0, 0, 0.12], atol=1e-3)


def test_inverse_then_forward_returns_the_target_inside_the_limits(tool):
    home, rng = tool.forward(NEUTRAL_Q), np.random.default_rng(1)
    for offset in rng.uniform(-0.15, 0.15, (30, 3)):
        target = Pose(home.position + offset, home.quat_wxyz)
        q = tool.solve(target, NEUTRAL_Q)
        assert np.all((q >= JOINT_LIMITS[:, 0]) & (q <= JOINT_LIMITS[:, 1]))
        assert np.linalg.norm(tool.forward(q).position - target.position) < 1e-3


def test_a_small_step_of_the_tool_is_a_small_step_of_the_seven_joints(tool):
    home = tool.forward(NEUTRAL_Q)
    rotation = quat_from_matrix(matrix_from_quat(home.quat_wxyz))
    stepped = tool.solve(Pose(home.position + np.array([0.01, 0.0, 0.0]), rotation), NEUTRAL_Q)
    assert np.abs(stepped - NEUTRAL_Q).max() < 0.1


def test_a_model_whose_first_joints_are_others_is_refused():
    with pytest.raises(ConfigError, match=r"the first joints of sawyer\.xml"):
        Kinematics(replace(SAWYER, joint_names=tuple(reversed(SAWYER.joint_names))))


def test_a_home_pose_of_another_length_is_refused():
    with pytest.raises(ConfigError, match="2 joints, expected 1"):
        ArmModel("sawyer.xml", ("right_j0",), (0.0, 0.0))
