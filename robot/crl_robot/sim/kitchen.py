"""Where things are in the scene `kitchen` (assets/kitchen.xml), and how they are strewn over its table.

Lengths in m in the WidowX's base frame; at another robot's table all is `Robot.shift_m` further along x. The drawer
opens towards -y.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crl_robot.errors import ConfigError
from crl_robot.robots import WIDOWX, Robot
from crl_robot.sim.places import draw, reachable
from crl_robot.sim.state import Placement, Point
from crl_robot.sim.world import World

Array = NDArray[np.float64]
Range = tuple[float, float]

KITCHEN = "kitchen"
DRAWER = "drawer"
DRAWER_OPEN_M: Range = (0.085, 0.098)
"""What counts as an open drawer when one is drawn; its way ends at 0.1 m."""
HANDLE_X, HANDLE_CLOSED_Y = 0.37, 0.02
HANDLE_FRONT_M = 0.005
"""From the middle of the handle to its face, along y."""
TRAY = np.array([0.37, 0.139, 0.060])
"""Middle of the tray's floor."""
TRAVEL_M = 0.12
"""Tool height at which the gripper and what it holds pass above everything."""
START_M: Range = (0.12, 0.22)
"""Tool heights that episodes start at."""

_DRAWS, _DRAWS_EACH = 500, 20
_FINGER_X_M, _FINGER_Y_M = 0.015, 0.028
"""Room beside a thing that the open fingers need to grasp it."""


@dataclass(frozen=True)
class Box:
    """A piece of the table: middle and half size."""

    x: float
    y: float
    half_x: float
    half_y: float

    def clear_of(self, other: Box) -> bool:
        """Whether open fingers fit between the two."""
        return (
            abs(self.x - other.x) > self.half_x + other.half_x + _FINGER_X_M
            or abs(self.y - other.y) > self.half_y + other.half_y + _FINGER_Y_M
        )


@dataclass(frozen=True)
class Thing:
    """A free object.

    Attributes:
        half: half its size along x and y, in any yaw that it is drawn with.
        rest_z: height of its frame when it stands on the table.
        area: (x, y) by (low, high) where it is drawn.
        tilt: largest yaw that it is drawn with, rad.
        middle_x: from its frame to its middle, along x.
    """

    half: tuple[float, float]
    rest_z: float
    area: tuple[Range, Range]
    tilt: float = 0.0
    middle_x: float = 0.0

    def box(self, x: float, y: float) -> Box:
        """What it covers when its frame is at (x, y)."""
        return Box(x + self.middle_x, y, *self.half)


THINGS: Mapping[str, Thing] = {
    "pot": Thing((0.054, 0.034), 0.0175, ((0.19, 0.225), (-0.07, 0.10))),
    "spoon": Thing((0.054, 0.022), 0.007, ((0.19, 0.24), (-0.165, 0.165)), 0.2, 0.008),
    "eggplant": Thing((0.015, 0.015), 0.014, ((0.18, 0.28), (-0.165, 0.165))),
    "block": Thing((0.017, 0.017), 0.0225, ((0.20, 0.40), (-0.175, -0.145))),
}


def way(x_from: float, x_to: float, y: float) -> Box:
    """What the block covers when it is pushed along x."""
    half_x, half_y = THINGS["block"].half
    return Box((x_from + x_to) / 2, y, abs(x_to - x_from) / 2 + half_x, half_y)


def handle(opening: float, robot: Robot = WIDOWX) -> Array:
    """(2,) of the middle of the handle when the drawer is ``opening`` m open."""
    return np.array([robot.shift_m + HANDLE_X, HANDLE_CLOSED_Y - opening])


def in_drawer(opening: float, dx: float = 0.0) -> Placement:
    """An eggplant in the drawer that is ``opening`` m open, where fingers get at it."""
    y = HANDLE_CLOSED_Y - opening + 0.094
    return (HANDLE_X + dx, y, 0.010 + THINGS["eggplant"].rest_z, 0.0)


def in_tray(dx: float = 0.0, dy: float = 0.0) -> Placement:
    """An eggplant in the tray, off its middle by (dx, dy)."""
    return (float(TRAY[0]) + dx, float(TRAY[1]) + dy, float(TRAY[2]) + THINGS["eggplant"].rest_z, 0.0)


def on_table(name: str, x: float, y: float, yaw: float = 0.0) -> Placement:
    """A thing that stands on the table."""
    return (x, y, THINGS[name].rest_z, yaw)


def strew(
    rng: np.random.Generator, fixed: Mapping[str, Placement], keep_out: Iterable[Box] = ()
) -> dict[str, Placement]:
    """Placements of all things: those of ``fixed``, and the others drawn in their areas, clear of these and each other.

    ``keep_out`` stays free, too. A thing above the table keeps nothing from anyone. Raises ConfigError without room.
    """
    given = [THINGS[name].box(*fixed[name][:2]) for name in fixed if fixed[name][2] == THINGS[name].rest_z]
    for _ in range(_DRAWS):
        placed, boxes = dict(fixed), [*given, *keep_out]
        if all(_add(rng, name, placed, boxes) for name in THINGS if name not in fixed):
            return placed
    raise ConfigError(f"no room on the table in {_DRAWS} draws beside {sorted(fixed)}; make the areas larger")


def shifted(things: Mapping[str, Placement], robot: Robot) -> dict[str, Placement]:
    """The same things on the table of ``robot``."""
    return {name: (x + robot.shift_m, y, z, yaw) for name, (x, y, z, yaw) in things.items()}


def start_tool(rng: np.random.Generator, robot: Robot) -> Point:
    """A tool position above everything."""
    low, high = np.array(robot.limits.workspace_low), np.array(robot.limits.workspace_high)
    low[2], high[2] = START_M
    x, y, z = draw(lambda: rng.uniform(low, high), lambda position: reachable(position, robot)).tolist()
    return (x, y, z)


def drawn_opening(rng: np.random.Generator) -> float:
    """The drawer closed or open, each every other time."""
    return float(rng.uniform(*DRAWER_OPEN_M)) if rng.random() < 0.5 else 0.0


def apart(world: World, name: str, placement: Placement) -> float:
    """Distance in m from where a thing is to a placement."""
    return float(np.linalg.norm(world.object_pose(name).position - placement[:3]))


def _add(rng: np.random.Generator, name: str, placed: dict[str, Placement], boxes: list[Box]) -> bool:
    """Draw a place for one more thing; false when none turns up that is clear of ``boxes``."""
    for _ in range(_DRAWS_EACH):
        placement = _drawn(rng, name)
        box = THINGS[name].box(*placement[:2])
        if all(box.clear_of(other) for other in boxes):
            placed[name] = placement
            boxes.append(box)
            return True
    return False


def _drawn(rng: np.random.Generator, name: str) -> Placement:
    thing = THINGS[name]
    (x_low, x_high), (y_low, y_high) = thing.area
    x, y = rng.uniform((x_low, y_low), (x_high, y_high)).tolist()
    return on_table(name, x, y, float(rng.uniform(-thing.tilt, thing.tilt)) if thing.tilt else 0.0)
