"""Shortest paths over frames of the data under the critic's distance (Eysenbach et al. 2019, SoRB).

A critic that is right about what is near and wrong about what is far finds far goals as a chain of near ones: edges
longer than a greatest distance are left out, and the shortest way over the others is searched (Dijkstra).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from crl_learning.goals.reference import FrameName
from crl_learning.planning.frames import Frames
from crl_learning.planning.plan import Plan, require_count
from crl_learning.planning.ticks import Ticks, from_one, to_one
from crl_robot.errors import ContractError, PlanError

MIN_TICKS = 1e-3
"""An edge of no length at all would be none for the search."""


@dataclass(frozen=True)
class Edges:
    """Ways from frame to frame that are short enough.

    Attributes:
        tail, head: int32 (E,) numbers of frames.
        ticks: float32 (E,) expected from tail to head.
        longest: no edge is longer, ticks.
    """

    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    ticks: NDArray[np.float32]
    longest: float

    def __post_init__(self) -> None:
        if not len(self.tail) == len(self.head) == len(self.ticks) or not self.longest > 0:
            raise ContractError(
                f"edges have {len(self.tail)} tails, {len(self.head)} heads, {len(self.ticks)} lengths and at most "
                f"{self.longest} ticks, expected as many of each and a greatest length above 0"
            )


def short_edges(ticks: NDArray[np.floating], longest: float) -> Edges:
    """Edges of a matrix (N, N) of distances that are at most ``longest``."""
    kept = (ticks <= longest) & ~np.eye(len(ticks), dtype=bool)
    tail, head = (numbers.astype(np.int32) for numbers in np.nonzero(kept))
    return Edges(tail, head, np.asarray(ticks[kept], np.float32), longest)


class GraphPlanner:
    """Plans over a graph of frames; view and goal become nodes of it for the time of a plan.

    Args:
        frames: its nodes.
        edges: between them.
        ticks: the distance that the edges were made with.
    """

    def __init__(self, frames: Frames, edges: Edges, ticks: Ticks) -> None:
        self._frames, self._edges, self._ticks = frames, edges, ticks
        self._goal: tuple[bytes, NDArray[np.float64]] | None = None

    def plan(
        self,
        view: NDArray[np.uint8],
        goal: NDArray[np.uint8],
        count: int,
        avoid: frozenset[FrameName] = frozenset(),
    ) -> Plan:
        """As `Planner.plan`: waypoints of the shortest way, of about equal legs; none where one edge leads there."""
        require_count(count)
        images, size = self._frames.images, len(self._frames)
        from_view, to_goal = from_one(self._ticks, view, images), self._to_goal(goal)
        closed = np.ones(size, bool)
        closed[self._frames.free_of(avoid)] = False
        from_view[closed], to_goal = np.inf, np.where(closed, np.inf, to_goal)
        direct = float(self._ticks(view[None], goal[None])[0])
        lengths, before = dijkstra(
            self._matrix(from_view, to_goal, direct, closed), indices=size, return_predecessors=True
        )
        if not np.isfinite(lengths[size + 1]):
            raise PlanError(self._why_not(from_view, to_goal, direct))
        path = _walk_back(before, size + 1)[1:-1]
        chosen = spaced(lengths[path], float(lengths[size + 1]), count)
        taken = [path[i] for i in chosen]
        at = [0.0, *lengths[taken], float(lengths[size + 1])]
        names = tuple(self._frames.names[i] for i in taken)
        return Plan(np.concatenate([images[taken], goal[None]]), names, tuple(np.diff(at).tolist()))

    def _to_goal(self, goal: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(N,) kept for the next plan towards the same goal."""
        key = goal.tobytes()
        if self._goal is None or self._goal[0] != key:
            self._goal = key, to_one(self._ticks, self._frames.images, goal)
        return self._goal[1]

    def _matrix(
        self, from_view: NDArray[np.float64], to_goal: NDArray[np.float64], direct: float, closed: NDArray[np.bool_]
    ) -> csr_array:
        """(N + 2, N + 2): the frames, then view and goal."""
        edges, size = self._edges, len(self._frames)
        first, last = (np.flatnonzero(part <= edges.longest) for part in (from_view, to_goal))
        straight = np.array([direct] if direct <= edges.longest else [])
        open_ = ~(closed[edges.tail] | closed[edges.head])
        tail = [edges.tail[open_], np.full(len(first), size), last, np.full(len(straight), size)]
        head = [edges.head[open_], first, np.full(len(last), size + 1), np.full(len(straight), size + 1)]
        ticks = np.concatenate([edges.ticks[open_], from_view[first], to_goal[last], straight])
        places = np.concatenate(tail), np.concatenate(head)
        return csr_array((np.maximum(ticks, MIN_TICKS), places), shape=(size + 2, size + 2))

    def _why_not(self, from_view: NDArray[np.float64], to_goal: NDArray[np.float64], direct: float) -> str:
        longest = self._edges.longest
        if from_view.min() > longest:
            where = f"the view is {from_view.min():.0f} ticks or more from every frame"
        elif to_goal.min() > longest:
            where = f"the goal is {to_goal.min():.0f} ticks or more from every frame"
        else:
            where = "no chain of frames joins view and goal"
        return (
            f"there is no way to the goal over {len(self._frames)} frames of the data: {where}, expected steps of at "
            f"most {longest:g} (the goal itself is {direct:.0f} away); take another goal, or make a map of more frames "
            "or longer edges: crl-run waypoints"
        )


def spaced(lengths: NDArray[np.float64], total: float, count: int) -> list[int]:
    """Which of the nodes of a path, at rising ``lengths`` (P,) from its start, cut it into the most equal legs."""
    if len(lengths) <= count:
        return list(range(len(lengths)))
    chosen: list[int] = []
    for number in range(count):
        wanted = total * (number + 1) / (count + 1)
        least, most = (chosen[-1] + 1 if chosen else 0), len(lengths) - (count - number)
        chosen.append(least + int(np.abs(lengths[least : most + 1] - wanted).argmin()))
    return chosen


def _walk_back(before: NDArray[np.int32], node: int) -> list[int]:
    """Nodes from the start of the search to ``node``."""
    path = [node]
    while before[path[-1]] >= 0:
        path.append(int(before[path[-1]]))
    return path[::-1]
