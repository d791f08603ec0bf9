"""The critic's distance in control ticks: what edges of the graph cost, and legs of a plan."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from crl_learning.goal_policy import GoalPolicy
from crl_learning.progress.calibration import Calibration

Ticks = Callable[[NDArray[np.uint8], NDArray[np.uint8]], NDArray[np.float64]]
"""Control ticks (N,) expected from states to goals, uint8 (N, h, w, 3 * cameras) each as the network sees them, or to
one goal (1, h, w, 3 * cameras)."""
BATCH = 256


def critic_ticks(policy: GoalPolicy, calibration: Calibration) -> Ticks:
    """The checkpoint's own estimate: its distances, weighed as its calibration found on held-out trajectories.

    The signal is minus log(1 + ticks) by that fit; here it is taken at its word, without the curve over it, whose
    steps would make many ways equally long.
    """
    weights = np.asarray(calibration.weights)

    def ticks(states: NDArray[np.uint8], goals: NDArray[np.uint8]) -> NDArray[np.float64]:
        if not len(states):
            return np.zeros(0)
        parts = [
            policy.compare(states[i : i + BATCH], goals if len(goals) == 1 else goals[i : i + BATCH])
            for i in range(0, len(states), BATCH)
        ]
        distances = np.concatenate(parts).astype(np.float64)
        return np.expm1(calibration.offset + np.log1p(distances) @ weights)

    return ticks


def from_one(ticks: Ticks, state: NDArray[np.uint8], goals: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(N,) from one picture (h, w, 3 * cameras) to each of (N, h, w, 3 * cameras)."""
    return ticks(np.broadcast_to(state, goals.shape), goals)


def to_one(ticks: Ticks, states: NDArray[np.uint8], goal: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(N,) from each of (N, h, w, 3 * cameras) to one picture (h, w, 3 * cameras)."""
    return ticks(states, goal[None])


def all_ticks(
    ticks: Ticks, images: NDArray[np.uint8], on_goal: Callable[[], None] = lambda: None
) -> NDArray[np.float64]:
    """(N, N) from each picture to each; ``on_goal`` is called N times."""
    columns = []
    for image in images:
        columns.append(to_one(ticks, images, image))
        on_goal()
    return np.stack(columns, axis=1)
