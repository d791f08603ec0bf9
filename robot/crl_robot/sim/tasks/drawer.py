"""`drawer`: open it, or close it, as the goal image shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crl_robot.robots import Robot
from crl_robot.sim.kitchen import DRAWER, DRAWER_OPEN_M, KITCHEN, shifted, start_tool, strew
from crl_robot.sim.script import Script
from crl_robot.sim.skills import CLOSED, OPEN, Skill, pull_drawer, push_drawer_closed
from crl_robot.sim.state import Episode, SceneState
from crl_robot.sim.task import Task
from crl_robot.sim.tasks.kitchen_parts import after_closing, after_opening, at_handle, drawer, drawer_moved

if TYPE_CHECKING:
    from crl_robot.sim.env import SimEnv


def drawer_task(robot: Robot) -> Task:
    """The task for ``robot``."""
    return Task(
        name="drawer",
        scene=KITCHEN if KITCHEN in robot.scenes else DRAWER,
        max_steps=robot.tick_limits["drawer"],
        object="block",
        parts=(drawer(),),
        stages=(at_handle(), drawer_moved()),
        sample=lambda rng: _sample(rng, robot),
        oracle=lambda: Script(_solve),
    )


def _sample(rng: np.random.Generator, robot: Robot) -> Episode:
    things, opening = shifted(strew(rng, {}), robot), float(rng.uniform(*DRAWER_OPEN_M))
    opens = bool(rng.random() < 0.5)
    start = SceneState(start_tool(rng, robot), OPEN if opens else CLOSED, things, {DRAWER: 0.0 if opens else opening})
    return Episode(start, after_opening(things, opening, robot) if opens else after_closing(things, robot))


def _solve(env: SimEnv) -> Skill:
    opening = env.episode.goal.joints[DRAWER]
    return pull_drawer(env, opening) if opening > env.episode.start.joints[DRAWER] else push_drawer_closed(env)
