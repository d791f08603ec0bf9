"""Scripted, noisy play: reaching all over the workspace and pushing the can about, with no task in mind.

It reads the true state, so the can moves often; noise and detours keep the data from being clean demonstrations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crl_robot.robots import WIDOWX, Robot
from crl_robot.sim.disturbance import Disturbance
from crl_robot.sim.env import SimEnv
from crl_robot.sim.moves import PUSHED_M, TRAVEL_HEIGHT_M, push_waypoint, step_towards
from crl_robot.sim.places import in_can_area, reachable, sample_tool
from crl_robot.sim.play_options import PlayOptions
from crl_robot.sim.pushing import STANDOFF_M, behind, sample_push_goal
from crl_robot.sim.state import Episode

Array = NDArray[np.float64]

_MIDDLE = np.array([0.30, 0.0])


@dataclass
class _Segment:
    """One thing to do: reach ``goal`` (3,), or push the can to ``goal`` (2,); given up after ``ticks_left``."""

    kind: str
    goal: Array
    max_step: float
    gain: float
    height: float
    ticks_left: int
    dwell: int


class PlayPolicy:
    """Chooses action values from the true state of an environment; ``rng`` decides everything it does.

    A robot that does not push in play only reaches. One with shorter steps than the WidowX is given as much longer.
    """

    def __init__(self, rng: np.random.Generator, options: PlayOptions | None = None, robot: Robot = WIDOWX) -> None:
        self._rng = rng
        self._options = options or PlayOptions()
        self._robot = robot
        self._pushes = robot.plays_pushes
        self._scale = robot.limits.max_step_m / WIDOWX.limits.max_step_m
        self._episode: Episode | None = None
        self._segment: _Segment | None = None
        self._disturbance = Disturbance(rng, self._options, self._scale)

    def act(self, env: SimEnv) -> NDArray[np.float32]:
        """The next action values float32 (7,): rotation deltas 0, gripper closed."""
        if env.episode is not self._episode:
            self._episode, self._segment = env.episode, None
            self._disturbance.forget()
        segment = self._segment
        if segment is None or self._finished(segment, env):
            segment = self._segment = self._next(segment, env)
        segment.ticks_left -= 1
        values = self._towards(segment, env)
        values[:3] += self._disturbance.draw()
        limit = self._robot.limits.max_step_m
        values[:3] = np.clip(values[:3], -limit, limit)
        return values

    @property
    def pushing(self) -> bool:
        """Whether it is busy with a push."""
        return self._segment is not None and self._segment.kind == "push"

    def _towards(self, segment: _Segment, env: SimEnv) -> NDArray[np.float32]:
        if segment.kind == "push":
            return step_towards(env, push_waypoint(env, segment.goal, segment.height), segment.max_step)
        target = env.arm_state().target.position
        return step_towards(env, target + segment.gain * (segment.goal - target), segment.max_step)

    def _finished(self, segment: _Segment, env: SimEnv) -> bool:
        if segment.ticks_left <= 0:
            return True
        if segment.kind == "push":
            return bool(np.linalg.norm(env.world.object_pose().position[:2] - segment.goal) < PUSHED_M)
        if np.linalg.norm(env.world.tool_pose().position - segment.goal) < 0.012:
            segment.dwell -= 1
        return segment.dwell < 0

    def _next(self, last: _Segment | None, env: SimEnv) -> _Segment:
        if last is not None and last.kind == "push" and self._rng.random() >= self._options.repush_share:
            return self._retract(env)
        repush = last is not None and last.kind == "push"
        if repush or (self._pushes and self._rng.random() < self._options.push_share):
            goal = self._push_goal(env.world.object_pose().position[:2])
            if goal is not None:
                return self._push(goal)
        return self._reach(sample_tool(self._rng, env.world.object_pose().position[:2], self._robot))

    def _push_goal(self, can_xy: Array) -> Array | None:
        """Where to push the can; back towards the middle from the edge, None when the tool cannot get behind it."""
        goal = sample_push_goal(self._rng, can_xy) if in_can_area(can_xy) else None
        if goal is not None:
            return goal
        goal = _MIDDLE + self._rng.uniform(-0.05, 0.05, 2)
        return goal if reachable(behind(can_xy, goal, STANDOFF_M)) else None

    def _push(self, goal: Array) -> _Segment:
        rng = self._rng
        return _Segment("push", goal, rng.uniform(0.025, 0.045), 1.0, rng.uniform(0.02, 0.03), 26, 0)

    def _reach(self, goal: Array) -> _Segment:
        rng = self._rng
        step, gain = self._scale * rng.uniform(0.02, 0.05), rng.uniform(0.5, 1.0)
        return _Segment("reach", goal, step, gain, 0.0, round(16 / self._scale), int(rng.integers(0, 3)))

    def _retract(self, env: SimEnv) -> _Segment:
        goal = env.world.tool_pose().position.copy()
        goal[2] = self._rng.uniform(TRAVEL_HEIGHT_M, 0.15)
        return _Segment("reach", goal, self._rng.uniform(0.03, 0.05), 1.0, 0.0, 5, 0)
