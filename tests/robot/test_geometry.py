import numpy as np
import pytest

from crl_robot.geometry import (
    GRIPPER_DOWN,
    matrix_from_quat,
    matrix_from_rpy,
    quat_from_matrix,
    rotation_angle,
    rpy_from_matrix,
)


def test_rpy_survives_the_round_trip_through_a_matrix():
    rng = np.random.default_rng(0)
    for rpy in rng.uniform([-np.pi, -np.pi / 2, -np.pi], [np.pi, np.pi / 2, np.pi], size=(200, 3)):
        np.testing.assert_allclose(rpy_from_matrix(matrix_from_rpy(rpy)), rpy, atol=1e-9)


def test_rpy_composes_as_rz_ry_rx():
    roll, pitch, yaw = (matrix_from_rpy(v) for v in ([0.3, 0, 0], [0, -0.2, 0], [0, 0, 1.1]))
    np.testing.assert_allclose(matrix_from_rpy([0.3, -0.2, 1.1]), yaw @ pitch @ roll, atol=1e-12)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_rpy_at_gimbal_lock_still_gives_the_same_rotation(sign: float):
    rotation = matrix_from_rpy([0.4, sign * np.pi / 2, 0.9])
    np.testing.assert_allclose(matrix_from_rpy(rpy_from_matrix(rotation)), rotation, atol=1e-6)


def test_quaternion_round_trip_keeps_the_rotation_and_a_positive_w():
    rng = np.random.default_rng(1)
    for rpy in rng.uniform(-3, 3, size=(100, 3)):
        quat = quat_from_matrix(matrix_from_rpy(rpy))
        assert quat[0] >= 0
        np.testing.assert_allclose(matrix_from_quat(quat), matrix_from_rpy(rpy), atol=1e-9)


def test_rotation_angle_of_a_known_turn():
    assert rotation_angle(GRIPPER_DOWN, matrix_from_rpy([0, 0, 0.25]) @ GRIPPER_DOWN) == pytest.approx(0.25)
