"""What `push_open_drawer` and `push_close_drawer` share: the block before the drawer is pushed aside first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from crl_robot.robots import Robot
from crl_robot.sim.kitchen import KITCHEN, on_table, strew, way
from crl_robot.sim.script import Script
from crl_robot.sim.skills import Skill, push
from crl_robot.sim.state import Episode, Placement
from crl_robot.sim.task import Task
from crl_robot.sim.tasks.kitchen_parts import done, drawer, drawer_moved, moved, thing

if TYPE_CHECKING:
    from crl_robot.sim.env import SimEnv

Area = tuple[tuple[float, float], tuple[float, float]]
Things = dict[str, Placement]
GOAL_X_M = (0.265, 0.285)


def block_first(
    name: str,
    robot: Robot,
    sample: Callable[[np.random.Generator, Robot], Episode],
    then: Callable[[SimEnv], Skill],
) -> Task:
    """The task ``name``: the block aside, and ``then`` the drawer."""

    def solve(env: SimEnv) -> Skill:
        yield from push(env, "block", np.array(env.episode.goal.objects["block"][:2]))
        return (yield from then(env))

    return Task(
        name=name,
        scene=KITCHEN,
        max_steps=robot.tick_limits[name],
        object="block",
        parts=(thing("block"), drawer()),
        stages=(moved("block"), done(thing("block")), drawer_moved()),
        sample=lambda rng: sample(rng, robot),
        oracle=lambda: Script(solve),
    )


def block_aside(rng: np.random.Generator, start_m: Area) -> tuple[Things, Things]:
    """All things before and after the push; the block starts within ``start_m``, (x, y) low and high."""
    x, y = rng.uniform(*start_m).tolist()
    goal = on_table("block", float(rng.uniform(*GOAL_X_M)), y)
    things = strew(rng, {"block": on_table("block", x, y)}, [way(x, goal[0], y)])
    return things, things | {"block": goal}
