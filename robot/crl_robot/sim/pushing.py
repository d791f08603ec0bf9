"""The geometry of pushing a can along the table: where the tool stands behind it, and where it may be pushed to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crl_robot.robots import WIDOWX, Robot
from crl_robot.sim.places import in_can_area, reachable
from crl_robot.sim.world import CAN_RADIUS_M

Array = NDArray[np.float64]

PUSH_DISTANCE_M = (0.08, 0.16)
PUSH_HEIGHT_M = 0.025
STANDOFF_M = 0.075
"""Distance behind the can's centre at which the tool comes down."""

PUSH_ROOM_M = STANDOFF_M - CAN_RADIUS_M
"""The same, from the surface of what is pushed."""
_PUSH_GOAL_DRAWS = 200


def sample_push_goal(rng: np.random.Generator, can_xy: Array, robot: Robot = WIDOWX) -> Array | None:
    """A goal (2,) m for the can, 8 to 16 cm from ``can_xy``, such that the tool has room behind both.

    None when no such goal turns up, as for a can in a corner of its area.
    """
    for _ in range(_PUSH_GOAL_DRAWS):
        angle, distance = rng.uniform(-np.pi, np.pi), rng.uniform(*PUSH_DISTANCE_M)
        goal = can_xy + distance * np.array([np.cos(angle), np.sin(angle)])
        if in_can_area(goal, robot) and _room_behind(can_xy, goal, robot):
            return goal
    return None


def behind(can_xy: Array, goal_xy: Array, distance: float, height: float = PUSH_HEIGHT_M) -> Array:
    """The tool position (3,) m ``distance`` behind the can on the line of a push to ``goal_xy``."""
    along = goal_xy - can_xy
    return np.append(can_xy - distance * along / np.linalg.norm(along), height)


def contact_distance(along: Array, radius: float = CAN_RADIUS_M, robot: Robot = WIDOWX) -> float:
    """Distance in m of tool and can centre when the closed fingers touch the can in the direction ``along`` (2,).

    From above the fingers are a rectangle and the can a circle that meets either a corner or a side of it.
    """
    fingers, size = np.array(robot.fingers.half_m), np.abs(along)
    corner = size @ fingers
    distance = corner + np.sqrt(corner**2 - fingers @ fingers + radius**2)
    overlap = distance * size - fingers
    if overlap.min() >= 0:
        return float(distance)
    side = int(overlap.argmax())
    return float((fingers[side] + radius) / size[side])


def _room_behind(can_xy: Array, goal_xy: Array, robot: Robot) -> bool:
    return reachable(behind(can_xy, goal_xy, STANDOFF_M + 0.01), robot)
