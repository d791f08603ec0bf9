"""An oracle that is a sequence of skills; when they are done, it goes to where the goal image shows the arm."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crl_robot.sim.kitchen import apart
from crl_robot.sim.moves import step_towards
from crl_robot.sim.skills import Skill, grasp, place
from crl_robot.sim.state import Placement

if TYPE_CHECKING:
    from crl_robot.sim.env import SimEnv

ATTEMPTS = 3
_THERE_M = 0.025


class Script:
    """Runs ``skill`` on the first environment that asks for an action."""

    def __init__(self, skill: Callable[[SimEnv], Skill]) -> None:
        self._skill = skill
        self._running: Skill | None = None

    def act(self, env: SimEnv) -> NDArray[np.float32]:
        """The next action, float32 (7,)."""
        if self._running is None:
            self._running = self._skill(env)
        action = next(self._running, None)
        if action is None:
            goal = env.episode.goal
            action = step_towards(env, np.array(goal.tool))
            action[6] = goal.gripper
        return action


def bring(env: SimEnv, name: str, placement: Placement) -> Skill:
    """Take a thing and put it down at ``placement``, again after a miss; true when it is there."""
    for _ in range(ATTEMPTS):
        if apart(env.world, name, placement) < _THERE_M:
            return True
        if (yield from grasp(env, name)):
            yield from place(env, name, np.array(placement[:3]))
    return apart(env.world, name, placement) < _THERE_M
