"""Single moves that oracles and play are made of: each gives the next action from the true state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crl_robot.sim.pushing import PUSH_HEIGHT_M, STANDOFF_M, behind, contact_distance
from crl_robot.sim.world import CAN_RADIUS_M

if TYPE_CHECKING:
    from crl_robot.sim.env import SimEnv

Array = NDArray[np.float64]

TRAVEL_HEIGHT_M = 0.085
"""Tool height at which the fingers pass above the can."""
PUSHED_M = 0.02
"""Distance of the can to its goal at which a push is done."""
PUSH_STEP_M = 0.035
"""Largest step of a careful push: slow enough that the can stops where it is left."""
_LATERAL_M = 0.015
_ARRIVED_M = 0.02


def push_waypoint(
    env: SimEnv,
    goal_xy: Array,
    height: float = PUSH_HEIGHT_M,
    name: str | None = None,
    radius: float = CAN_RADIUS_M,
) -> Array:
    """Where the tool (3,) should go next to push a round thing to ``goal_xy`` (2,) m, from the true state alone.

    ``name`` is by default the scene's main object.
    """
    can = env.world.object_pose(name).position[:2]
    tool = env.world.tool_pose().position
    remaining = float(np.linalg.norm(goal_xy - can))
    if remaining < PUSHED_M:
        return tool
    along = (goal_xy - can) / remaining
    offset = tool[:2] - can
    ahead = float(offset @ along)
    lateral = offset - ahead * along
    aside = float(np.linalg.norm(lateral))
    low = tool[2] < 0.5 * (height + TRAVEL_HEIGHT_M)
    if low and ahead < 0 and aside < 2 * _LATERAL_M:
        # Over-correcting sideways turns the can back towards the line, as steering a pushed object needs.
        return np.append(goal_xy - contact_distance(along, radius, env.robot) * along - 1.5 * lateral, height)
    above = behind(can, goal_xy, STANDOFF_M + (radius - CAN_RADIUS_M), TRAVEL_HEIGHT_M)
    if np.linalg.norm(tool[:2] - above[:2]) < _ARRIVED_M:
        return np.append(above[:2], height)
    if tool[2] < TRAVEL_HEIGHT_M - 0.01:
        return np.append(tool[:2], TRAVEL_HEIGHT_M)
    return above


def step_towards(env: SimEnv, waypoint: Array, max_step: float | None = None) -> NDArray[np.float32]:
    """The action float32 (7,) that moves the commanded tool straight towards ``waypoint`` (3,) m, gripper closed."""
    largest = max_step or env.robot.limits.max_step_m
    delta = waypoint - env.arm_state().target.position
    delta *= min(1.0, largest / max(float(np.abs(delta).max()), 1e-9))
    return np.append(delta, np.zeros(4)).astype(np.float32)
