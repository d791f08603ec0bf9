"""Sawyer as its maker publishes it: joints, limits, neutral pose, gripper stroke (sawyer_description, intera_sdk)."""

from __future__ import annotations

import numpy as np

from crl_robot.arm_model import ArmModel

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
