"""Slow straight moves in joint space for setting up an arm by hand; the arm's node has its own loop."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crl_robot.contracts import Arm
from crl_robot.errors import ArmError
from crl_robot.schedule import Schedule

PERIOD_S = 0.02
_LEASH_RAD = 0.35
_SETTLE_TICKS = 25


def move_to(arm: Arm, target: NDArray[np.float64], gripper: float, speed: float, schedule: Schedule) -> None:
    """Stream targets from where the arm is to joints ``target`` (N,) rad, the fastest at ``speed`` rad/s, then hold.

    The way is straight in joint space and checked against nothing. Raises ArmError, after a hold, when the arm falls
    more than 0.35 rad behind, as it does when something is in its way.
    """
    reading = arm.read()
    start, opening = reading.position, reading.gripper
    ticks = max(1, int(np.ceil(np.abs(target - start).max() / (speed * schedule.period_s))))
    schedule.restart()
    try:
        for tick in range(1, ticks + _SETTLE_TICKS + 1):
            schedule.wait()
            share = min(1.0, tick / ticks)
            wanted = start + share * (target - start)
            arm.command(wanted, opening + min(1.0, tick / _SETTLE_TICKS) * (gripper - opening))
            _refuse_blocked(arm, wanted)
    finally:
        arm.hold()


def _refuse_blocked(arm: Arm, wanted: NDArray[np.float64]) -> None:
    behind = np.abs(arm.read().position - wanted)
    worst = int(behind.argmax())
    if behind[worst] > _LEASH_RAD:
        raise ArmError(
            f"joint '{arm.joint_names[worst]}' is {behind[worst]:.2f} rad behind, at most {_LEASH_RAD} is allowed; "
            "is something in its way? The arm holds"
        )
