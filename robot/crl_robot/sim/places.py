"""Where tools and cans may be on a robot's table: what tasks and play draw from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from crl_robot.errors import ConfigError
from crl_robot.robots import WIDOWX, Robot
from crl_robot.sim.world import CAN_HEIGHT_M, CAN_RADIUS_M

Array = NDArray[np.float64]

_CLEARANCE_M = 0.02
_HAND_M = 0.055
_DRAWS = 10_000


def reachable(position: Array, robot: Robot = WIDOWX) -> bool:
    """Whether the tool gets to ``position`` (3,) m, inside the workspace box, with the gripper down."""
    limits = robot.limits
    inside = np.all(position >= limits.workspace_low) and np.all(position <= limits.workspace_high)
    return bool(inside and (robot.wrist is None or robot.wrist.holds(position)))


def sample_tool(rng: np.random.Generator, can_xy: Array | None = None, robot: Robot = WIDOWX) -> Array:
    """A tool position (3,) m, uniform over the reachable workspace box and clear of a can at ``can_xy``."""
    limits = robot.limits
    return draw(
        lambda: rng.uniform(limits.workspace_low, limits.workspace_high),
        lambda position: reachable(position, robot) and (can_xy is None or clear_of_can(position, can_xy)),
    )


def sample_can(rng: np.random.Generator, robot: Robot = WIDOWX) -> Array:
    """A can position (2,) m, uniform over the robot's area for cans."""
    area = np.array(robot.can_area)
    return draw(lambda: rng.uniform(area[:, 0], area[:, 1]), lambda can_xy: in_can_area(can_xy, robot))


def in_can_area(can_xy: Array, robot: Robot = WIDOWX) -> bool:
    """Whether the tool can get behind a can at ``can_xy`` (2,) m on every side."""
    area = np.array(robot.can_area)
    inside = np.all(can_xy >= area[:, 0]) and np.all(can_xy <= area[:, 1])
    return bool(inside and np.linalg.norm(can_xy) <= robot.can_reach_m)


def draw(propose: Callable[[], Array], accept: Callable[[Array], bool | np.bool]) -> Array:
    """The first proposal that is accepted. Raises ConfigError when none is."""
    for _ in range(_DRAWS):
        value = propose()
        if accept(value):
            return value
    raise ConfigError(f"no valid position in {_DRAWS} draws; the workspace and the can's area do not fit together")


def clear_of_can(position: Array, can_xy: Array) -> bool:
    """Whether hand and fingers at ``position`` neither touch nor nearly touch the can."""
    above = position[2] > CAN_HEIGHT_M + _CLEARANCE_M
    return bool(above or np.linalg.norm(position[:2] - can_xy) > CAN_RADIUS_M + _HAND_M + _CLEARANCE_M)
