"""`push_open_drawer`: the block that stands before the drawer pushed aside, then the drawer opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crl_robot.robots import Robot
from crl_robot.sim.kitchen import DRAWER, DRAWER_OPEN_M, KITCHEN, on_table, start_tool, strew, way
from crl_robot.sim.script import Script
from crl_robot.sim.skills import CLOSED, Skill, pull_drawer, push
from crl_robot.sim.state import Episode, SceneState
from crl_robot.sim.task import Task
from crl_robot.sim.tasks.kitchen_parts import after_opening, done, drawer, drawer_moved, moved, thing

if TYPE_CHECKING:
    from crl_robot.sim.env import SimEnv

START_M = ((0.35, -0.06), (0.38, -0.03))
"""Where the block starts: (x, y) low and high."""
GOAL_X_M = (0.265, 0.285)


def push_open_drawer(robot: Robot) -> Task:
    """The task for ``robot``."""
    return Task(
        name="push_open_drawer",
        scene=KITCHEN,
        max_steps=robot.tick_limits["push_open_drawer"],
        object="block",
        parts=(thing("block"), drawer()),
        stages=(moved("block"), done(thing("block")), drawer_moved()),
        sample=lambda rng: _sample(rng, robot),
        oracle=lambda: Script(_solve),
    )


def _sample(rng: np.random.Generator, robot: Robot) -> Episode:
    opening = float(rng.uniform(*DRAWER_OPEN_M))
    x, y = rng.uniform(*START_M).tolist()
    goal = on_table("block", float(rng.uniform(*GOAL_X_M)), y)
    things = strew(rng, {"block": on_table("block", x, y)}, [way(x, goal[0], y)])
    start = SceneState(start_tool(rng, robot), CLOSED, things, {DRAWER: 0.0})
    return Episode(start, after_opening(things | {"block": goal}, opening, robot))


def _solve(env: SimEnv) -> Skill:
    yield from push(env, "block", np.array(env.episode.goal.objects["block"][:2]))
    return (yield from pull_drawer(env, env.episode.goal.joints[DRAWER]))
