"""`push`: the can along the table to where the goal image shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crl_robot.errors import ConfigError
from crl_robot.robots import Robot
from crl_robot.sim.moves import PUSH_STEP_M, push_waypoint, step_towards
from crl_robot.sim.places import sample_can, sample_tool
from crl_robot.sim.pushing import PUSH_HEIGHT_M, contact_distance, sample_push_goal
from crl_robot.sim.state import Episode
from crl_robot.sim.task import Part, Stage, Task
from crl_robot.sim.tasks.table import TABLE, can_distance, table_episode
from crl_robot.sim.world import World

if TYPE_CHECKING:
    from crl_robot.sim.env import SimEnv

Array = NDArray[np.float64]

TOLERANCE_M = 0.05
_MOVED_M = 0.02
_GAP_M = 0.001
_PAIR_DRAWS = 10_000


class PushOracle:
    """Above the far side of the can, down, and straight on until the can is at its goal."""

    def act(self, env: SimEnv) -> NDArray[np.float32]:
        """The next step of approach or push, float32 (7,)."""
        goal_xy = np.array(env.episode.goal.objects["can"][:2])
        step = min(PUSH_STEP_M, env.robot.limits.max_step_m)
        return step_towards(env, push_waypoint(env, goal_xy), step)


def push(robot: Robot) -> Task:
    """The task for ``robot``."""
    return Task(
        name="push",
        scene=TABLE,
        max_steps=robot.tick_limits["push"],
        object="can",
        parts=(Part("can", TOLERANCE_M, can_distance),),
        stages=(Stage("can moved", _can_moved),),
        sample=lambda rng: _sample(rng, robot),
        oracle=PushOracle,
    )


def _sample(rng: np.random.Generator, robot: Robot) -> Episode:
    can, goal_can = _sample_pair(rng, robot)
    along = (goal_can - can) / np.linalg.norm(goal_can - can)
    gap = contact_distance(along, robot=robot) + _GAP_M
    goal_tool = np.append(goal_can - gap * along, PUSH_HEIGHT_M)
    return table_episode(sample_tool(rng, can, robot), can, goal_tool, goal_can)


def _sample_pair(rng: np.random.Generator, robot: Robot) -> tuple[Array, Array]:
    for _ in range(_PAIR_DRAWS):
        can = sample_can(rng, robot)
        goal = sample_push_goal(rng, can, robot)
        if goal is not None:
            return can, goal
    raise ConfigError(f"no push in {_PAIR_DRAWS} draws; the workspace and the can's area do not fit together")


def _can_moved(world: World, episode: Episode) -> bool:
    moved = world.object_pose("can").position[:2] - episode.start.objects["can"][:2]
    return float(np.linalg.norm(moved)) >= _MOVED_M
