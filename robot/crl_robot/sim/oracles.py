"""Scripted solutions that read the true state: they show that each task can be solved, and play borrows their moves."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from crl_robot.errors import ConfigError, nearest
from crl_robot.sim.env import SimEnv
from crl_robot.sim.tasks import PUSH_HEIGHT_M, STANDOFF_M, behind, contact_distance

Array = NDArray[np.float64]

TRAVEL_HEIGHT_M = 0.085
"""Tool height at which the fingers pass above the can."""
PUSHED_M = 0.02
"""Distance of the can to its goal at which a push is done."""
PUSH_STEP_M = 0.035
"""Largest step of a careful push: slow enough that the can stops where it is left."""
_LATERAL_M = 0.015
_ARRIVED_M = 0.02


class Oracle(Protocol):
    """Anything that chooses action values (7,) from the true state of an environment."""

    def act(self, env: SimEnv) -> NDArray[np.float32]: ...


class ReachOracle:
    """Straight to the goal."""

    def act(self, env: SimEnv) -> NDArray[np.float32]:
        """The step towards the episode's goal, float32 (7,)."""
        return step_towards(env, np.array(env.episode.goal_tool))


class PushOracle:
    """Above the far side of the can, down, and straight on until the can is at its goal."""

    def act(self, env: SimEnv) -> NDArray[np.float32]:
        """The next step of approach or push, float32 (7,)."""
        return step_towards(env, push_waypoint(env, np.array(env.episode.goal_object_xy)), PUSH_STEP_M)


def push_waypoint(env: SimEnv, goal_xy: Array, height: float = PUSH_HEIGHT_M) -> Array:
    """Where the tool (3,) should go next to push the can to ``goal_xy`` (2,) m, from the true state alone."""
    can = env.world.object_pose().position[:2]
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
        return np.append(goal_xy - contact_distance(along) * along - 1.5 * lateral, height)
    above = behind(can, goal_xy, STANDOFF_M, TRAVEL_HEIGHT_M)
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


_ORACLES = {"reach": ReachOracle, "push": PushOracle}


def oracle(task: str) -> Oracle:
    """The oracle of a task. Raises ConfigError naming the nearest known one."""
    if task not in _ORACLES:
        raise ConfigError(f"no oracle for task '{task}'; {nearest(task, _ORACLES)}")
    return _ORACLES[task]()
