"""Seeded random reaching: an operator without hands, who knows the tool pose and nothing else.

It works on a real arm as well as in simulation, because it reads no truth. A goal that the arm does not get to is given
up after a while.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crl_data.teleop.command import RELEASED, Command
from crl_robot.contracts import Pose
from crl_robot.control.safety import SafetyLimits
from crl_robot.errors import ConfigError

Array = NDArray[np.float64]

_DRAWS = 10_000
_ARRIVED_M = 0.015
_SLOW_DOWN_M = 0.05
_PATIENCE_S = 6.0
_MARGIN_M = 0.01


@dataclass(frozen=True)
class ScriptedSettings:
    """How the reaching looks.

    Attributes:
        seed: the same seed and the same poses give the same commands.
        noise: standard deviation of the noise on each axis, as a share of full speed.
        dwell_s: longest rest at a goal.
        gripper_share: probability that the gripper opens or closes at a goal.
    """

    seed: int = 0
    noise: float = 0.1
    dwell_s: float = 0.5
    gripper_share: float = 0.2

    def __post_init__(self) -> None:
        for name in ("noise", "dwell_s", "gripper_share"):
            if not 0.0 <= getattr(self, name) <= 10.0:
                raise ConfigError(f"scripted.{name} is {getattr(self, name)}, expected a number of 0 or more")


class ScriptedReacher:
    """Moves from one random goal to the next, all inside the workspace box less 1 cm.

    Args:
        reachable: whether the arm gets to a position (3,) m; asked before a goal is taken.
    """

    def __init__(
        self, settings: ScriptedSettings, limits: SafetyLimits, reachable: Callable[[Array], bool] = lambda _: True
    ) -> None:
        self._settings = settings
        self._low = np.array(limits.workspace_low) + _MARGIN_M
        self._high = np.array(limits.workspace_high) - _MARGIN_M
        self._reachable = reachable
        self._rng = np.random.default_rng(settings.seed)
        self._goal: Array | None = None
        self._until_s = 0.0
        self._arrived = False

    def command(self, tool: Pose | None, now_s: float) -> Command:
        """Towards the present goal; everything released while the tool pose is not known."""
        if tool is None:
            return RELEASED
        if self._goal is None or now_s >= self._until_s:
            self._goal, self._until_s, self._arrived = self._draw(), now_s + _PATIENCE_S, False
        offset = self._goal - tool.position
        distance = float(np.linalg.norm(offset))
        pressed = {"deadman"}
        if distance < _ARRIVED_M and not self._arrived:
            self._arrived, self._until_s = True, now_s + self._rng.uniform(0.0, self._settings.dwell_s)
            pressed |= {"toggle"} if self._rng.random() < self._settings.gripper_share else set()
        twist = np.zeros(6)
        if not self._arrived:
            twist[:3] = offset / max(distance, _SLOW_DOWN_M) + self._rng.normal(0.0, self._settings.noise, 3)
        return Command(np.clip(twist, -1.0, 1.0), frozenset(pressed))

    def _draw(self) -> Array:
        for _ in range(_DRAWS):
            goal = self._rng.uniform(self._low, self._high)
            if self._reachable(goal):
                return goal
        raise ConfigError(
            f"no reachable goal in {_DRAWS} draws between {self._low.tolist()} and {self._high.tolist()}; "
            "set limits.workspace_low and limits.workspace_high to where the arm can go"
        )
