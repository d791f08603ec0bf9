import mink
import numpy as np
import pytest

from crl_robot.contracts import Pose
from crl_robot.errors import ArmError, ContractError
from crl_robot.geometry import GRIPPER_DOWN, matrix_from_quat, quat_from_matrix, rotation_angle
from crl_robot.kinematics import HOME_Q, N_JOINTS, Kinematics
from crl_robot.sim.places import sample_tool

DOWN = quat_from_matrix(GRIPPER_DOWN)
BRIDGE_NEUTRAL = (-0.13192235, -0.76238847, 0.44485444, -0.01994175, 1.7564081, -0.15953401)
VECTORS = [
    ((0, 0, 0, 0, 0, 0), (0.458325, 0, 0.36065)),
    ((0, -1.80, 1.55, 0, 0.8, 0), (0.122652, 0, 0.081264)),
    (BRIDGE_NEUTRAL, (0.120201, -0.019085, 0.246696)),
    ((0, -0.96, 1.16, 0, -0.3, 0), (0.226534, 0, 0.260949)),
]
# Space-frame screw axes (w; v) as the vendor publishes them, and the tool's place at zero joints.
SCREWS = np.array(
    [
        [0, 0, 1, 0, 0, 0],
        [0, 1, 0, -0.11065, 0, 0],
        [0, 1, 0, -0.36065, 0, 0.04975],
        [1, 0, 0, 0, 0.36065, 0],
        [0, 1, 0, -0.36065, 0, 0.29975],
        [1, 0, 0, 0, 0.36065, 0],
    ]
)


@pytest.fixture(scope="module")
def kinematics():
    return Kinematics()


def product_of_exponentials(q):
    """Tool pose (4, 4) by Rodrigues' formula on the published screws."""
    pose = np.eye(4)
    for (wx, wy, wz, *v), angle in zip(SCREWS, q, strict=True):
        hat = np.array([[0, -wz, wy], [wz, 0, -wx], [-wy, wx, 0]])
        step = np.eye(4)
        step[:3, :3] += np.sin(angle) * hat + (1 - np.cos(angle)) * hat @ hat
        step[:3, 3] = (angle * np.eye(3) + (1 - np.cos(angle)) * hat + (angle - np.sin(angle)) * hat @ hat) @ v
        pose = pose @ step
    home = np.eye(4)
    home[:3, 3] = (0.458325, 0, 0.36065)
    return pose @ home


@pytest.mark.parametrize(("q", "position"), VECTORS)
def test_forward_kinematics_meet_the_published_vectors_within_a_tenth_of_a_millimetre(kinematics, q, position):
    assert np.linalg.norm(kinematics.forward(q).position - position) < 1e-4


def test_bridge_neutral_points_the_gripper_down_but_for_the_eight_degrees_of_its_joint_angles(kinematics):
    rotation = matrix_from_quat(kinematics.forward(BRIDGE_NEUTRAL).quat_wxyz)
    assert rotation_angle(rotation, GRIPPER_DOWN) < np.radians(8)


def test_forward_kinematics_equal_the_product_of_exponentials(kinematics):
    low, high = kinematics.joint_limits.T
    for q in np.random.default_rng(0).uniform(low, high, (50, N_JOINTS)):
        expected, got = product_of_exponentials(q), kinematics.forward(q)
        np.testing.assert_allclose(got.position, expected[:3, 3], atol=1e-9)
        assert rotation_angle(matrix_from_quat(got.quat_wxyz), expected[:3, :3]) < 1e-6


def test_home_is_above_the_table_with_the_gripper_down(kinematics):
    pose = kinematics.forward(HOME_Q)
    np.testing.assert_allclose(pose.position, [0.30, 0.0, 0.15], atol=1e-3)
    assert rotation_angle(matrix_from_quat(pose.quat_wxyz), GRIPPER_DOWN) < 1e-3


def test_inverse_then_forward_returns_the_target_inside_the_limits_all_over_the_workspace(kinematics):
    rng = np.random.default_rng(1)
    low, high = kinematics.joint_limits.T
    for _ in range(100):
        target = Pose(sample_tool(rng), DOWN)
        q = kinematics.solve(target, HOME_Q)
        assert np.all((q >= low) & (q <= high))
        got = kinematics.forward(q)
        assert np.linalg.norm(got.position - target.position) < 1e-3
        assert rotation_angle(matrix_from_quat(got.quat_wxyz), GRIPPER_DOWN) < 0.01


def test_a_small_step_of_the_tool_is_a_small_step_of_the_joints(kinematics):
    q = kinematics.solve(Pose(np.array([0.3, 0.1, 0.1]), DOWN), HOME_Q)
    stepped = kinematics.solve(Pose(np.array([0.31, 0.1, 0.1]), DOWN), q)
    assert np.abs(stepped - q).max() < 0.1


def test_a_target_out_of_reach_is_refused_with_the_distance_left(kinematics):
    with pytest.raises(ArmError, match=r"mm and .* rad away.*within reach"):
        kinematics.solve(Pose(np.array([0.8, 0.0, 0.2]), DOWN), HOME_Q)


@pytest.mark.parametrize("q", [[0.0] * 5, [np.nan] * 6])
def test_wrong_joint_vectors_are_refused(kinematics, q):
    with pytest.raises(ContractError, match="expected 6 finite"):
        kinematics.forward(q)


def test_a_solver_that_gives_up_is_an_error_of_the_arm(monkeypatch):
    """The library's own error passed by all who catch ours, and ended the arm's process."""

    def fail(*arguments, **options):
        raise mink.NoSolutionFound("daqp")

    monkeypatch.setattr(mink, "solve_ik", fail)
    kinematics = Kinematics()
    with pytest.raises(ArmError, match="daqp"):
        kinematics.solve(kinematics.forward(HOME_Q + 0.1), HOME_Q)
