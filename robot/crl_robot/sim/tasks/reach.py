"""`reach`: the tool where the goal image shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crl_robot.robots import Robot
from crl_robot.sim.moves import step_towards
from crl_robot.sim.places import draw, sample_can, sample_tool
from crl_robot.sim.state import Episode
from crl_robot.sim.task import Part, Stage, Task, tool_distance
from crl_robot.sim.tasks.table import TABLE, table_episode
from crl_robot.sim.world import World

if TYPE_CHECKING:
    from crl_robot.sim.env import SimEnv

REACH_DISTANCE_M = 0.05
"""Least distance from start to goal, so that doing nothing never succeeds."""
TOLERANCE_M = 0.015


class ReachOracle:
    """Straight to the goal."""

    def act(self, env: SimEnv) -> NDArray[np.float32]:
        """The step towards the episode's goal, float32 (7,)."""
        return step_towards(env, np.array(env.episode.goal.tool))


def reach(robot: Robot) -> Task:
    """The task for ``robot``."""
    return Task(
        name="reach",
        scene=TABLE,
        max_steps=robot.tick_limits["reach"],
        object="can",
        parts=(Part("tool", TOLERANCE_M, tool_distance),),
        stages=(Stage("near", _near),),
        sample=lambda rng: _sample(rng, robot),
        oracle=ReachOracle,
    )


def _sample(rng: np.random.Generator, robot: Robot) -> Episode:
    can = sample_can(rng, robot)
    start = sample_tool(rng, can, robot)
    goal = draw(
        lambda: sample_tool(rng, can, robot), lambda position: np.linalg.norm(position - start) >= REACH_DISTANCE_M
    )
    return table_episode(start, can, goal, can)


def _near(world: World, episode: Episode) -> bool:
    return tool_distance(world, episode) <= 0.5 * float(
        np.linalg.norm(np.subtract(episode.start.tool, episode.goal.tool))
    )
