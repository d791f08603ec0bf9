"""Joint angles and a gripper opening as goal positions of servos, refused when they are not within the limits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crl_robot.errors import ArmError
from crl_robot.joint_targets import finite_joints
from crl_robot.widowx.servo_table import ServoTable
from crl_robot.widowx.units import RAD_PER_TICK, ticks_from_radians


def goals_from(table: ServoTable, position: NDArray[np.float64], gripper: float) -> dict[int, int]:
    """Joints (N,) rad and opening 0..1 -> ticks by the ID of each commanded servo.

    Raises ArmError for another shape, values that are not finite, and angles more than a tick beyond a limit.
    """
    joints = finite_joints(position, gripper, len(table.joints))
    goals = {}
    for servo, angle in zip(table.joints, joints.tolist(), strict=True):
        low, high = servo.limits_rad
        if not low - RAD_PER_TICK <= angle <= high + RAD_PER_TICK:
            raise ArmError(f"joint '{servo.name}' would go to {angle:.3f} rad, expected {low:.3f} .. {high:.3f}")
        goals[servo.servo_id] = min(max(ticks_from_radians(angle), servo.low), servo.high)
    goals[table.gripper.servo.servo_id] = table.gripper.linkage.ticks_from_opening(float(gripper))
    return goals
