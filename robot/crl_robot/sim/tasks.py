"""The simulated tasks: `reach` puts the tool where the goal image shows it, `push` the can.

A task draws episodes and measures how far the world is from the goal; it never moves anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crl_robot.errors import ConfigError, nearest
from crl_robot.robots import WIDOWX, Robot
from crl_robot.sim.places import draw, in_can_area, reachable, sample_can, sample_tool
from crl_robot.sim.world import CAN_RADIUS_M, World

Array = NDArray[np.float64]

REACH_DISTANCE_M = 0.05
"""Least distance from start to goal of a reach, so that doing nothing never succeeds."""
PUSH_DISTANCE_M = (0.08, 0.16)
PUSH_HEIGHT_M = 0.025
STANDOFF_M = 0.075
"""Distance behind the can's centre at which the tool comes down."""

_FINGERS_M = np.array([0.012, 0.015])
"""Half the size of the WidowX's closed fingers along x and y."""
_GAP_M = 0.001
_PAIR_DRAWS = 10_000
_PUSH_GOAL_DRAWS = 200


@dataclass(frozen=True)
class Episode:
    """Start and goal of one trial in the base frame, m: tool (3,) with the gripper down, can (2,) on the table."""

    start_tool: tuple[float, float, float]
    start_object_xy: tuple[float, float]
    goal_tool: tuple[float, float, float]
    goal_object_xy: tuple[float, float]


@dataclass(frozen=True)
class Task:
    """One task of one robot; ``sample`` draws episodes, ``distance`` is what is left in m, success is within
    ``tolerance_m``, and a trial has ``max_steps`` control ticks."""

    name: str
    max_steps: int
    tolerance_m: float
    sample: Callable[[np.random.Generator], Episode]
    distance: Callable[[World, Episode], float]

    def success(self, world: World, episode: Episode) -> bool:
        """Whether the world is at the goal now."""
        return self.distance(world, episode) <= self.tolerance_m


def get_task(name: str, robot: Robot = WIDOWX) -> Task:
    """The task of that name for ``robot``. Raises ConfigError naming the nearest one that it has."""
    if name not in robot.tick_limits:
        raise ConfigError(f"no task of robot '{robot.name}' is named '{name}'; {nearest(name, robot.tick_limits)}")
    return _MAKERS[name](robot)


def sample_push_goal(rng: np.random.Generator, can_xy: Array) -> Array | None:
    """A goal (2,) m for the can, 8 to 16 cm from ``can_xy``, such that the tool has room behind both.

    None when no such goal turns up, as for a can in a corner of its area.
    """
    for _ in range(_PUSH_GOAL_DRAWS):
        angle, distance = rng.uniform(-np.pi, np.pi), rng.uniform(*PUSH_DISTANCE_M)
        goal = can_xy + distance * np.array([np.cos(angle), np.sin(angle)])
        if in_can_area(goal) and _room_behind(can_xy, goal):
            return goal
    return None


def behind(can_xy: Array, goal_xy: Array, distance: float, height: float = PUSH_HEIGHT_M) -> Array:
    """The tool position (3,) m ``distance`` behind the can on the line of a push to ``goal_xy``."""
    along = goal_xy - can_xy
    return np.append(can_xy - distance * along / np.linalg.norm(along), height)


def contact_distance(along: Array) -> float:
    """Distance in m of tool and can centre when the closed fingers touch the can in the direction ``along`` (2,).

    From above the fingers are a rectangle and the can a circle that meets either a corner or a side of it.
    """
    size = np.abs(along)
    corner = size @ _FINGERS_M
    distance = corner + np.sqrt(corner**2 - _FINGERS_M @ _FINGERS_M + CAN_RADIUS_M**2)
    overlap = distance * size - _FINGERS_M
    if overlap.min() >= 0:
        return float(distance)
    side = int(overlap.argmax())
    return float((_FINGERS_M[side] + CAN_RADIUS_M) / size[side])


def _reach(robot: Robot) -> Task:
    return Task("reach", robot.tick_limits["reach"], 0.015, lambda rng: _sample_reach(rng, robot), _tool_distance)


def _push(robot: Robot) -> Task:
    return Task("push", robot.tick_limits["push"], 0.05, _sample_push, _can_distance)


_MAKERS = {"reach": _reach, "push": _push}


def _sample_reach(rng: np.random.Generator, robot: Robot) -> Episode:
    can = sample_can(rng, robot)
    start = sample_tool(rng, can, robot)
    goal = draw(
        lambda: sample_tool(rng, can, robot), lambda position: np.linalg.norm(position - start) >= REACH_DISTANCE_M
    )
    return _episode(start, can, goal, can)


def _sample_push(rng: np.random.Generator) -> Episode:
    can, goal_can = _sample_push_pair(rng)
    along = (goal_can - can) / np.linalg.norm(goal_can - can)
    goal_tool = np.append(goal_can - (contact_distance(along) + _GAP_M) * along, PUSH_HEIGHT_M)
    return _episode(sample_tool(rng, can), can, goal_tool, goal_can)


def _sample_push_pair(rng: np.random.Generator) -> tuple[Array, Array]:
    for _ in range(_PAIR_DRAWS):
        can = sample_can(rng)
        goal = sample_push_goal(rng, can)
        if goal is not None:
            return can, goal
    raise ConfigError(f"no push in {_PAIR_DRAWS} draws; the workspace and the can's area do not fit together")


def _tool_distance(world: World, episode: Episode) -> float:
    return float(np.linalg.norm(world.tool_pose().position - episode.goal_tool))


def _can_distance(world: World, episode: Episode) -> float:
    return float(np.linalg.norm(world.object_pose().position[:2] - episode.goal_object_xy))


def _room_behind(can_xy: Array, goal_xy: Array) -> bool:
    return reachable(behind(can_xy, goal_xy, STANDOFF_M + 0.01))


def _episode(start_tool: Array, start_can: Array, goal_tool: Array, goal_can: Array) -> Episode:
    a, b, c, d = (tuple(float(v) for v in array) for array in (start_tool, start_can, goal_tool, goal_can))
    return Episode((a[0], a[1], a[2]), (b[0], b[1]), (c[0], c[1], c[2]), (d[0], d[1]))
