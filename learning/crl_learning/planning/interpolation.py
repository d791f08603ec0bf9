"""Waypoints in closed form (Eysenbach et al. 2024, "Inference via Interpolation").

The closed form needs an encoder psi of single states, without action, learned so that states of a trajectory form a
Gauss-Markov chain in its space: psi ~ N(0, c I), and psi' ~ N(c / (c + 1) A psi, c / (c + 1) I) for a state that
follows. Then what lies between two states is Gaussian too, and its mean solves one block-tridiagonal system.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from crl_learning.goals.reference import FrameName
from crl_learning.planning.frames import Frames
from crl_learning.planning.plan import Plan, require_count
from crl_learning.planning.ticks import Ticks
from crl_robot.errors import PlanError

Array = NDArray[np.float64]
Psi = Callable[[NDArray[np.uint8]], Array]
"""Images uint8 (N, h, w, 3 * cameras) -> psi (N, K)."""


def waypoint_means(start: Array, goal: Array, transition: Array, spread: float, count: int) -> Array:
    """Mean (count, K) of the chain between psi of a start and of a goal, (K,) each.

    Args:
        transition: A (K, K).
        spread: c, the mean square of psi's entries.
    """
    size, share = len(start), spread / (spread + 1)
    diagonal = np.eye(size) / share + share * transition.T @ transition
    system = np.zeros((count * size, count * size))
    right = np.zeros(count * size)
    for i in range(count):
        here = slice(i * size, (i + 1) * size)
        system[here, here] = diagonal
        if i:
            before = slice((i - 1) * size, i * size)
            system[here, before], system[before, here] = -transition, -transition.T
    right[:size] += transition @ start
    right[-size:] += transition.T @ goal
    return np.asarray(np.linalg.solve(system, right), np.float64).reshape(count, size)


class InterpolationPlanner:
    """Plans by interpolation, and takes for each waypoint the nearest frame of the data.

    Args:
        frames: what may become a waypoint.
        codes: psi (N, K) of the frames.
        transition, spread: A and c of the chain.
        psi: the encoder.
        ticks: tells how long the legs are.
    """

    def __init__(self, frames: Frames, codes: Array, transition: Array, spread: float, psi: Psi, ticks: Ticks) -> None:
        self._frames, self._codes = frames, codes
        self._transition, self._spread = transition, spread
        self._psi, self._ticks = psi, ticks

    def plan(
        self,
        view: NDArray[np.uint8],
        goal: NDArray[np.uint8],
        count: int,
        avoid: frozenset[FrameName] = frozenset(),
    ) -> Plan:
        """As `Planner.plan`; a frame that is the nearest to view, goal or the waypoint before it is no waypoint."""
        require_count(count)
        free = self._frames.free_of(avoid)
        if not len(free):
            raise PlanError(
                f"there is no way to the goal: all {len(self._frames)} frames of the data are to be avoided; take "
                "another goal"
            )
        start, end = self._psi(np.stack([view, goal]))
        means = waypoint_means(start, end, self._transition, self._spread, count)
        first, *between, last = nearest_rows(np.stack([start, *means, end]), self._codes[free])
        taken: list[int] = []
        for row in between:
            if row not in (first, last, *taken):
                taken.append(row)
        rows = free[np.array(taken, np.int64)]
        images = np.concatenate([self._frames.images[rows], goal[None]])
        legs = self._ticks(np.concatenate([view[None], images[:-1]]), images)
        return Plan(images, tuple(self._frames.names[i] for i in rows), tuple(legs.tolist()))


def nearest_rows(points: Array, codes: Array) -> list[int]:
    """For each of points (M, K) the number of the nearest of codes (N, K)."""
    return np.square(points[:, None] - codes[None]).sum(-1).argmin(1).tolist()
