"""`push_open_drawer`: the block that stands before the drawer pushed aside, then the drawer opened."""

from __future__ import annotations

import numpy as np

from crl_robot.robots import Robot
from crl_robot.sim.kitchen import DRAWER, DRAWER_OPEN_M, start_tool
from crl_robot.sim.skills import CLOSED, pull_drawer
from crl_robot.sim.state import Episode, SceneState
from crl_robot.sim.task import Task
from crl_robot.sim.tasks.block_first import block_aside, block_first
from crl_robot.sim.tasks.kitchen_parts import after_opening

START_M = ((0.35, -0.06), (0.38, -0.03))
"""Where the block starts: (x, y) low and high."""


def push_open_drawer(robot: Robot) -> Task:
    """The task for ``robot``."""
    return block_first(
        "push_open_drawer", robot, _sample, lambda env: pull_drawer(env, env.episode.goal.joints[DRAWER])
    )


def _sample(rng: np.random.Generator, robot: Robot) -> Episode:
    opening = float(rng.uniform(*DRAWER_OPEN_M))
    before, after = block_aside(rng, START_M)
    start = SceneState(start_tool(rng, robot), CLOSED, before, {DRAWER: 0.0})
    return Episode(start, after_opening(after, opening, robot))
