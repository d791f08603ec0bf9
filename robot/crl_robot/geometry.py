"""Rotations and rigid transforms in the conventions of the Action contract.

Quaternions are (w, x, y, z). Euler angles are fixed-axis roll, pitch, yaw: R = Rz(yaw) Ry(pitch) Rx(roll).
"""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

GRIPPER_DOWN = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
"""R_base_tool with the gripper pointing down (the tool's x axis along -z of the base)."""


def matrix_from_rpy(rpy: ArrayLike) -> Array:
    """(3,) roll, pitch, yaw in rad -> (3, 3) rotation R = Rz Ry Rx."""
    roll, pitch, yaw = np.asarray(rpy, dtype=np.float64)
    cr, sr, cp, sp, cy, sy = np.cos(roll), np.sin(roll), np.cos(pitch), np.sin(pitch), np.cos(yaw), np.sin(yaw)
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


def rpy_from_matrix(rotation: Array) -> Array:
    """(3, 3) rotation -> (3,) roll, pitch, yaw in rad; pitch in [-pi/2, pi/2]."""
    pitch = np.arcsin(np.clip(-rotation[2, 0], -1.0, 1.0))
    if abs(rotation[2, 0]) > 1.0 - 1e-9:  # gimbal lock: roll and yaw turn about one axis, so roll is set to 0
        return np.array([0.0, pitch, np.arctan2(-rotation[0, 1], rotation[1, 1])])
    return np.array([np.arctan2(rotation[2, 1], rotation[2, 2]), pitch, np.arctan2(rotation[1, 0], rotation[0, 0])])


def quat_from_matrix(rotation: ArrayLike) -> Array:
    """(3, 3) rotation -> (4,) unit quaternion (w, x, y, z) with w >= 0."""
    quat = np.empty(4)
    mujoco.mju_mat2Quat(quat, np.asarray(rotation, dtype=np.float64).reshape(9))
    return -quat if quat[0] < 0 else quat


def matrix_from_quat(quat_wxyz: ArrayLike) -> Array:
    """(4,) quaternion (w, x, y, z) -> (3, 3) rotation."""
    flat = np.empty(9)
    mujoco.mju_quat2Mat(flat, np.asarray(quat_wxyz, dtype=np.float64))
    return flat.reshape(3, 3)


def rotation_angle(a: Array, b: Array) -> float:
    """Angle in rad of the rotation between two (3, 3) rotations."""
    return float(np.arccos(np.clip((np.trace(a.T @ b) - 1.0) / 2.0, -1.0, 1.0)))
