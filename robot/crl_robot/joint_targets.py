"""What every streamed joint target must be before a driver sends it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crl_robot.errors import ArmError

Array = NDArray[np.float64]


def finite_joints(position: ArrayLike, gripper: float, count: int) -> Array:
    """A copy of the joints (N,) rad. Raises ArmError unless they are ``count`` finite angles, with a finite opening."""
    joints = np.array(position, dtype=np.float64)
    if joints.shape != (count,) or not np.isfinite(joints).all() or not np.isfinite(gripper):
        raise ArmError(
            f"joint command is {joints.tolist()} with gripper {gripper}, expected {count} finite angles in rad "
            "and a finite opening"
        )
    return joints


def checked_joints(position: Array, gripper: float, names: Sequence[str], limits: Array) -> Array:
    """A copy of the joints (N,) rad. Raises ArmError unless they are finite and within ``limits`` (N, 2)."""
    joints = finite_joints(position, gripper, len(names))
    outside = (joints < limits[:, 0]) | (joints > limits[:, 1])
    for index in np.flatnonzero(outside).tolist():
        low, high = limits[index]
        raise ArmError(f"target of {names[index]} is {joints[index]:.3f} rad, expected {low:g} to {high:g} rad")
    return joints


def require_near(target: Array, measured: Array, names: Sequence[str], max_lead_rad: float) -> None:
    """Raise ArmError when a joint of ``target`` (N,) is more than ``max_lead_rad`` from where it is measured."""
    lead = np.abs(target - measured)
    worst = int(lead.argmax())
    if lead[worst] > max_lead_rad:
        raise ArmError(
            f"target of {names[worst]} is {lead[worst]:.3f} rad from where it is measured, expected at most "
            f"{max_lead_rad} rad; stream targets that start from the measured joints"
        )
