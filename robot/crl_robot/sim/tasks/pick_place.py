"""`pick_place`: the spoon to the left of the pot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crl_robot.robots import Robot
from crl_robot.sim.kitchen import DRAWER, KITCHEN, THINGS, drawn_opening, on_table, start_tool, strew
from crl_robot.sim.script import Script, bring
from crl_robot.sim.skills import OPEN, Skill
from crl_robot.sim.state import Episode, SceneState
from crl_robot.sim.task import Task
from crl_robot.sim.tasks.kitchen_parts import after_placing, lifted, near, thing

if TYPE_CHECKING:
    from crl_robot.sim.env import SimEnv

POT_Y_M = (-0.07, 0.02)
LEFT_M = 0.095
"""Between the middles of pot and spoon; left is +y, as somebody sees it who sits where the arm does."""


def pick_place(robot: Robot) -> Task:
    """The task for ``robot``."""
    return Task(
        name="pick_place",
        scene=KITCHEN,
        max_steps=robot.tick_limits["pick_place"],
        object="spoon",
        parts=(thing("spoon"),),
        stages=(near("spoon"), lifted("spoon")),
        sample=lambda rng: _sample(rng, robot),
        oracle=lambda: Script(_solve),
    )


def _sample(rng: np.random.Generator, robot: Robot) -> Episode:
    joints = {DRAWER: drawn_opening(rng)}
    (x_low, x_high), _ = THINGS["pot"].area
    x, y = rng.uniform((x_low, POT_Y_M[0]), (x_high, POT_Y_M[1])).tolist()
    goal = on_table("spoon", x, y + LEFT_M)
    things = strew(rng, {"pot": on_table("pot", x, y)}, [THINGS["spoon"].box(*goal[:2])])
    start = SceneState(start_tool(rng, robot), OPEN, things, joints)
    return Episode(start, after_placing(things, "spoon", goal, joints))


def _solve(env: SimEnv) -> Skill:
    return bring(env, "spoon", env.episode.goal.objects["spoon"])
