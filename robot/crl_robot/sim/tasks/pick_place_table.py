"""`pick_place_table`: the eggplant from the table into the tray."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crl_robot.robots import Robot
from crl_robot.sim.kitchen import DRAWER, KITCHEN, drawn_opening, in_tray, start_tool, strew
from crl_robot.sim.script import Script, bring
from crl_robot.sim.skills import OPEN, Skill
from crl_robot.sim.state import Episode, SceneState
from crl_robot.sim.task import Task
from crl_robot.sim.tasks.kitchen_parts import after_placing, lifted, near, thing

if TYPE_CHECKING:
    from crl_robot.sim.env import SimEnv

_SPREAD_M = 0.02


def pick_place_table(robot: Robot) -> Task:
    """The task for ``robot``."""
    return Task(
        name="pick_place_table",
        scene=KITCHEN,
        max_steps=robot.tick_limits["pick_place_table"],
        object="eggplant",
        parts=(thing("eggplant"),),
        stages=(near("eggplant"), lifted("eggplant")),
        sample=lambda rng: _sample(rng, robot),
        oracle=lambda: Script(_solve),
    )


def _sample(rng: np.random.Generator, robot: Robot) -> Episode:
    things, joints = strew(rng, {}), {DRAWER: drawn_opening(rng)}
    goal = in_tray(*rng.uniform(-_SPREAD_M, _SPREAD_M, 2).tolist())
    start = SceneState(start_tool(rng, robot), OPEN, things, joints)
    return Episode(start, after_placing(things, "eggplant", goal, joints))


def _solve(env: SimEnv) -> Skill:
    return bring(env, "eggplant", env.episode.goal.objects["eggplant"])
