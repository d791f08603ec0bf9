"""Play in two kinds of episodes that only together lead from far away to a can that was pushed.

In one kind the tool comes from anywhere, goes down beside the can, where a push could begin, and turns away, again and
again: the can never moves. In the other it starts there, pushes at once, rises, and never comes back. So no episode
goes from the starts of the task `push` to its goals, and at the place that both kinds share one of them always goes
elsewhere.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from crl_robot.errors import ConfigError
from crl_robot.robots import Robot
from crl_robot.sim.disturbance import Disturbance
from crl_robot.sim.env import SimEnv
from crl_robot.sim.moves import PUSHED_M, TRAVEL_HEIGHT_M, push_waypoint, step_towards
from crl_robot.sim.places import sample_tool
from crl_robot.sim.play_options import PlayOptions
from crl_robot.sim.pushing import PUSH_HEIGHT_M, STANDOFF_M, behind, sample_push_goal
from crl_robot.sim.skills import CLOSED, Skill, approach, move, rest, rise
from crl_robot.sim.state import Episode
from crl_robot.sim.task import Task
from crl_robot.sim.tasks.push import push
from crl_robot.sim.tasks.table import table_episode

Array = NDArray[np.float64]

REACH_SHARE = 0.4
"""Of the times that it turns away, so often it goes anywhere above the can before it comes down beside it again."""
LOW_NOISE = 0.3
"""Part of the noise while the tool is low enough to touch the can."""
_PUSH_TICKS = 26
_DRAWS = 1000


class TurningAway:
    """Comes down beside the can, where a push could begin, and leaves; the can stays where it is."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng, self._doing = rng, None
        self._disturbance = Disturbance(rng, PlayOptions())

    def act(self, env: SimEnv) -> NDArray[np.float32]:
        """The next action values float32 (7,)."""
        if self._doing is None:
            self._doing = self._skill(env)
        return _disturbed(env, next(self._doing), self._disturbance)

    def _skill(self, env: SimEnv) -> Skill:
        while True:
            place = standoff(self._rng, env.world.object_pose().position[:2], env.robot)
            yield from approach(env, lambda place=place: place, CLOSED)
            yield from rest(env, CLOSED, int(self._rng.integers(0, 3)))
            yield from rise(env, CLOSED)
            if self._rng.random() < REACH_SHARE:
                yield from _reach(env, self._rng)


class PushingOn:
    """Starts beside the can, pushes it to the goal of its episode at once, rises and stays above."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng, self._doing = rng, None
        self._disturbance = Disturbance(rng, PlayOptions(detour_share=0.0))

    def act(self, env: SimEnv) -> NDArray[np.float32]:
        """The next action values float32 (7,)."""
        if self._doing is None:
            self._doing = self._skill(env)
        return _disturbed(env, next(self._doing), self._disturbance)

    def _skill(self, env: SimEnv) -> Skill:
        step, goal = self._rng.uniform(0.025, 0.045), np.array(env.episode.goal.objects["can"][:2])
        for _ in range(_PUSH_TICKS):
            waypoint = push_waypoint(env, goal)
            done = np.linalg.norm(env.world.object_pose().position[:2] - goal) < PUSHED_M
            if done or waypoint[2] > PUSH_HEIGHT_M:  # beside it: to come again would be the other kind of episode
                break
            yield step_towards(env, waypoint, step)
        yield from rest(env, CLOSED, int(self._rng.integers(0, 3)))
        yield from rise(env, CLOSED)
        while True:
            yield from _reach(env, self._rng)


def pushing_task(robot: Robot) -> Task:
    """`push`, but starting beside the can. Raises ConfigError for a robot that does not push in play."""
    if not robot.plays_pushes:
        raise ConfigError(f"play_stitch needs a robot that pushes in play, got '{robot.name}'; use robot=widowx")
    task = push(robot)
    return replace(task, sample=lambda rng: _beside(task.sample(rng)))


def standoff(rng: np.random.Generator, can_xy: Array, robot: Robot) -> Array:
    """A tool position (3,) m beside a can at ``can_xy`` (2,), from where it can be pushed somewhere."""
    for _ in range(_DRAWS):
        goal = sample_push_goal(rng, can_xy, robot)
        if goal is not None:
            return behind(can_xy, goal, STANDOFF_M)
    raise ConfigError(f"a can at {can_xy.tolist()} can be pushed nowhere; keep it in the robot's area for cans")


def _beside(episode: Episode) -> Episode:
    can, goal = (np.array(state.objects["can"][:2]) for state in (episode.start, episode.goal))
    return table_episode(behind(can, goal, STANDOFF_M), can, episode.goal.tool, goal)


def _reach(env: SimEnv, rng: np.random.Generator) -> Skill:
    where = sample_tool(rng, robot=env.robot)
    where[2] = max(where[2], TRAVEL_HEIGHT_M)
    return (yield from move(env, lambda: where, CLOSED, 0.015, rng.uniform(0.02, 0.05)))


def _disturbed(env: SimEnv, values: NDArray[np.float32], disturbance: Disturbance) -> NDArray[np.float32]:
    """With noise, and less of it where the tool could touch the can."""
    low = env.world.tool_pose().position[2] < TRAVEL_HEIGHT_M
    values[:3] += disturbance.draw(LOW_NOISE if low else 1.0)
    limit = env.robot.limits.max_step_m
    values[:3] = np.clip(values[:3], -limit, limit)
    return values
