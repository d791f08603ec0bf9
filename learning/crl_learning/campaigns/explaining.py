"""Towards which goal was an action computed? The same checkpoint says so, in another process than the policy node."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crl_learning.goal_policy import GoalPolicy
from crl_robot.errors import ConfigError

TOLERANCE = 1e-4
"""Of an action's values, m and rad: what is published has six digits."""


class Explainer:
    """Computes what the policy would do.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        ConfigError: its networks see the arm as well, which a picture alone does not tell, or several cameras.
    """

    def __init__(self, checkpoint: Path) -> None:
        self._policy = GoalPolicy.load(checkpoint)
        if self._policy.meta.network.proprio:
            raise ConfigError(f"{checkpoint} acts on joint angles too, expected a policy that sees pictures alone")
        if self._policy.views.more:
            cameras = ", ".join(self._policy.views.cameras)
            raise ConfigError(f"{checkpoint} sees {cameras}, expected a policy of one camera: each goal is one picture")

    @property
    def camera(self) -> str:
        return self._policy.image_spec.camera

    @property
    def native(self) -> tuple[int, int]:
        """(width, height) of the camera."""
        return self._policy.image_spec.native

    @property
    def rate_hz(self) -> float:
        return self._policy.action_spec.rate_hz

    def explain(
        self, values: NDArray[np.float64], image: NDArray[np.uint8], goals: Sequence[NDArray[np.uint8]]
    ) -> int | None:
        """Number of the first goal, uint8 (H, W, 3), towards which the action (7,) is; None when it is none of them."""
        for number, goal in enumerate(goals):
            self._policy.set_goal(goal)
            expected, _ = self._policy.act(image)
            if np.abs(expected - values).max() <= TOLERANCE:
                return number
        return None
