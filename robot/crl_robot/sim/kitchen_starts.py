"""Where play in the kitchen begins and where it puts things: the tasks' own starts, and others that no task draws."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crl_robot.errors import ConfigError
from crl_robot.robots import Robot
from crl_robot.sim.kitchen import (
    DRAWER,
    DRAWER_OPEN_M,
    HANDLE_FRONT_M,
    HANDLE_X,
    KITCHEN,
    THINGS,
    Box,
    handle,
    in_drawer,
    in_tray,
    start_tool,
    strew,
)
from crl_robot.sim.places import reachable
from crl_robot.sim.play_options import KITCHEN_PLAY
from crl_robot.sim.state import Episode, Placement, SceneState
from crl_robot.sim.task import Oracle, Task
from crl_robot.sim.tasks import get_task
from crl_robot.sim.world import World

Array = NDArray[np.float64]

TASK_SHARE = 0.6
"""Of the episodes that begin like a task; the others begin anyhow."""
TABLE = ((0.18, 0.42), (-0.175, 0.17))
"""Where play puts things."""
FRONT = ((0.345, 0.385), (-0.16, -0.03))
"""Where the block is in the way of the drawer or of the one who closes it."""
FRONT_SHARE = 0.35
"""Of the blocks that are put there."""
_CABINET_HALF_X_M, _CABINET_BACK_Y = 0.062, 0.20
_DRAWS = 200


def kitchen_play_task(robot: Robot) -> Task:
    """The scene and the starts of play in the kitchen; it has no goal. Raises ConfigError without a kitchen."""
    if KITCHEN not in robot.scenes:
        raise ConfigError(f"robot '{robot.name}' has no scene '{KITCHEN}'; use task=play")
    tasks = [task for name in robot.tick_limits if (task := get_task(name, robot)).scene == KITCHEN]
    return Task(
        name=KITCHEN_PLAY,
        scene=KITCHEN,
        max_steps=0,
        object="eggplant",
        parts=(),
        stages=(),
        sample=lambda rng: _sample(rng, robot, tasks),
        oracle=_no_oracle,
    )


def table_spot(rng: np.random.Generator, world: World, name: str) -> Array | None:
    """A free place (2,) m on the table for a thing, as things stand now; None when none turns up."""
    boxes = [THINGS[other].box(*world.object_pose(other).position[:2]) for other in THINGS if other != name]
    boxes.append(_cabinet(world.slide(DRAWER)))
    front = name == "block" and rng.random() < FRONT_SHARE
    (x_low, x_high), (y_low, y_high) = FRONT if front else TABLE
    for _ in range(_DRAWS):
        xy = rng.uniform((x_low, y_low), (x_high, y_high))
        box = THINGS[name].box(*xy)
        if all(box.clear_of(other) for other in boxes) and reachable(np.append(xy, 0.03), world.robot):
            return xy
    return None


def _cabinet(opening: float) -> Box:
    """What cabinet and drawer cover of the table, with the handle."""
    front = float(handle(opening)[1]) - HANDLE_FRONT_M
    return Box(HANDLE_X, (_CABINET_BACK_Y + front) / 2, _CABINET_HALF_X_M, (_CABINET_BACK_Y - front) / 2)


def _sample(rng: np.random.Generator, robot: Robot, tasks: list[Task]) -> Episode:
    if tasks and rng.random() < TASK_SHARE:
        start = tasks[int(rng.integers(len(tasks)))].sample(rng).start
    else:
        start = _anyhow(rng, robot)
    return Episode(start, start)


def _anyhow(rng: np.random.Generator, robot: Robot) -> SceneState:
    """Things strewn over the table, one perhaps in the tray or the drawer, and the drawer anywhere between its ends."""
    opening = float(rng.choice([0.0, rng.uniform(*DRAWER_OPEN_M), rng.uniform(0.0, DRAWER_OPEN_M[1])]))
    fixed: dict[str, Placement] = {}
    chance = rng.random()
    if chance < 0.2:
        fixed["eggplant"] = in_tray(*rng.uniform(-0.02, 0.02, 2))
    elif chance < 0.4 and opening >= DRAWER_OPEN_M[0]:
        fixed["eggplant"] = in_drawer(opening, rng.uniform(-0.015, 0.015))
    gripper = float(rng.integers(2))
    return SceneState(start_tool(rng, robot), gripper, strew(rng, fixed), {DRAWER: opening})


def _no_oracle() -> Oracle:
    raise ConfigError(f"'{KITCHEN_PLAY}' has no goal and no oracle; use task=play_kitchen policy=play")
