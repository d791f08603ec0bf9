"""`pick_place_drawer`: the eggplant out of the open drawer into the tray, then the drawer closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crl_robot.robots import Robot
from crl_robot.sim.kitchen import DRAWER, DRAWER_OPEN_M, KITCHEN, in_drawer, in_tray, start_tool, strew
from crl_robot.sim.script import Script, bring
from crl_robot.sim.skills import OPEN, Skill, push_drawer_closed
from crl_robot.sim.state import Episode, SceneState
from crl_robot.sim.task import Task
from crl_robot.sim.tasks.kitchen_parts import after_closing, done, drawer, drawer_moved, lifted, near, thing

if TYPE_CHECKING:
    from crl_robot.sim.env import SimEnv

_IN_DRAWER_M = 0.02
_IN_TRAY_M = 0.02


def pick_place_drawer(robot: Robot) -> Task:
    """The task for ``robot``."""
    return Task(
        name="pick_place_drawer",
        scene=KITCHEN,
        max_steps=robot.tick_limits["pick_place_drawer"],
        object="eggplant",
        parts=(thing("eggplant"), drawer()),
        stages=(near("eggplant"), lifted("eggplant"), done(thing("eggplant")), drawer_moved()),
        sample=lambda rng: _sample(rng, robot),
        oracle=lambda: Script(_solve),
    )


def _sample(rng: np.random.Generator, robot: Robot) -> Episode:
    opening = float(rng.uniform(*DRAWER_OPEN_M))
    things = strew(rng, {"eggplant": in_drawer(opening, float(rng.uniform(-_IN_DRAWER_M, _IN_DRAWER_M)))})
    goal = in_tray(*rng.uniform(-_IN_TRAY_M, _IN_TRAY_M, 2).tolist())
    start = SceneState(start_tool(rng, robot), OPEN, things, {DRAWER: opening})
    return Episode(start, after_closing(things | {"eggplant": goal}, robot))


def _solve(env: SimEnv) -> Skill:
    yield from bring(env, "eggplant", env.episode.goal.objects["eggplant"])
    return (yield from push_drawer_closed(env))
