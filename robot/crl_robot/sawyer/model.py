"""Sawyer as its maker publishes it: joints, limits, neutral pose, gripper stroke (sawyer_description, intera_sdk)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crl_robot.arm_model import ArmModel
from crl_robot.errors import ArmError

JOINT_NAMES = tuple(f"right_j{index}" for index in range(7))
N_JOINTS = len(JOINT_NAMES)

JOINT_LIMITS = np.array(
    [
        [-3.0503, 3.0503],
        [-3.8095, 2.2736],
        [-3.0426, 3.0426],
        [-3.0439, 3.0439],
        [-2.9761, 2.9761],
        [-2.9761, 2.9761],
        [-4.7124, 4.7124],
    ]
)
"""(7, 2) rad. Some copies of the URDF give 3.14 for the last joint; its own neutral pose lies outside of that."""

JOINT_SPEEDS = np.array([1.74, 1.328, 1.957, 1.957, 3.485, 3.485, 4.545])
"""(7,) rad/s at speed ratio 1."""

NEUTRAL_Q = np.array([0.0, -1.18, 0.0, 2.18, 0.0, 0.57, 3.3161])
"""Neutral pose, rad: hand at (0.4496, 0.1603, 0.2158) m, pointing down."""

GRIPPER_STROKE_M = 0.041667
"""Gap between the fingers of the electric gripper when open."""

SAWYER = ArmModel("sawyer.xml", JOINT_NAMES, tuple(NEUTRAL_Q.tolist()))


def checked_joints(position: NDArray[np.float64], gripper: float) -> NDArray[np.float64]:
    """A copy of the joints. Raises ArmError unless they are seven finite angles within the limits."""
    joints = np.array(position, dtype=np.float64)
    if joints.shape != (N_JOINTS,) or not np.isfinite(joints).all() or not np.isfinite(gripper):
        raise ArmError(
            f"joint command is {joints.tolist()} with gripper {gripper}, expected {N_JOINTS} finite angles in rad and "
            "a finite opening"
        )
    outside = (joints < JOINT_LIMITS[:, 0]) | (joints > JOINT_LIMITS[:, 1])
    for index in np.flatnonzero(outside).tolist():
        low, high = JOINT_LIMITS[index]
        raise ArmError(f"target of {JOINT_NAMES[index]} is {joints[index]:.3f} rad, expected {low} to {high} rad")
    return joints


def require_near(target: NDArray[np.float64], measured: NDArray[np.float64], max_lead_rad: float) -> None:
    """Raise ArmError when a joint of ``target`` (7,) is more than ``max_lead_rad`` from where it is measured."""
    lead = np.abs(target - measured)
    worst = int(lead.argmax())
    if lead[worst] > max_lead_rad:
        raise ArmError(
            f"target of {JOINT_NAMES[worst]} is {lead[worst]:.3f} rad from where it is measured, expected at most "
            f"{max_lead_rad} rad; stream targets that start from the measured joints"
        )
