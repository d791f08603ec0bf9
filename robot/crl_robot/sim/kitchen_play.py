"""Scripted, noisy play in the kitchen: grasping, carrying, placing, pushing, opening and closing, with no task in mind.

It strings together the skills that the oracles are made of, on the true state. Noise, detours, things let go of too
early, and hands that come down beside what they want keep the data from being clean; a miss is tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from crl_robot.geometry import matrix_from_quat
from crl_robot.robots import WIDOWX
from crl_robot.sim import skills
from crl_robot.sim.disturbance import Disturbance
from crl_robot.sim.env import SimEnv
from crl_robot.sim.kitchen import DRAWER, DRAWER_OPEN_M, HANDLE_X, THINGS, TRAY, in_drawer, in_tray
from crl_robot.sim.kitchen_starts import table_spot
from crl_robot.sim.places import reachable, sample_tool
from crl_robot.sim.play_options import PlayOptions
from crl_robot.sim.skills import CLOSED, OPEN, Skill
from crl_robot.sim.state import Episode
from crl_robot.sim.tasks.pick_place import LEFT_M

Array = NDArray[np.float64]

LOW_M = 0.085
"""Below this tool height fingers are among things, and noise is smaller."""
LOW_NOISE = 0.3
ACTIVITIES = {"fetch": 0.38, "push": 0.2, "drawer": 0.32, "reach": 0.1}
"""How often each thing to do is chosen."""
FETCHED = {"eggplant": 0.45, "spoon": 0.35, "block": 0.2}
PUSHED = {"block": 0.7, "eggplant": 0.15, "pot": 0.15}
PUSHED_TO = ((0.19, -0.165), (0.40, 0.15))
"""Corners (x, y) in m of where things are pushed to."""
BESIDE_POT_SHARE = 0.4
"""Of the spoons put to the left of the pot."""
ASIDE_SHARE = 0.4
"""Of the pushes that are straight towards the arm, out of the drawer's way."""
SLOPPY_SHARE = 0.2
SLOPPY_M = (0.012, 0.03)
"""How far beside its thing a sloppy hand comes down."""
DROP_SHARE = 0.1
"""Of the things carried that are let go of on the way."""
COVERED_Y = 0.05
"""What is lower than the tray and beyond this lies under the cabinet."""
TURNED = 0.6
"""Part of a long thing's axis along y beyond which it is too long for the fingers."""
GIVE_UP_SHARE = 0.2
"""Of the misses after which something else is done."""
_DRAWS = 20


class KitchenPlay:
    """Chooses action values from the true state of a kitchen; ``rng`` decides everything it does."""

    def __init__(self, rng: np.random.Generator, options: PlayOptions | None = None) -> None:
        self._rng = rng
        self._disturbance = Disturbance(rng, options or PlayOptions())
        self._episode: Episode | None = None
        self._doing: Skill | None = None
        self._pace = 1.0
        self.activity = ""

    def act(self, env: SimEnv) -> NDArray[np.float32]:
        """The next action values float32 (7,)."""
        if env.episode is not self._episode:
            self._episode, self._doing = env.episode, None
        values = self._planned(env)
        low = env.world.tool_pose().position[2] < LOW_M
        values[:3] = self._pace * values[:3] + self._disturbance.draw(LOW_NOISE if low else 1.0)
        limit = WIDOWX.limits.max_step_m
        values[:3] = np.clip(values[:3], -limit, limit)
        return values

    def _planned(self, env: SimEnv) -> NDArray[np.float32]:
        """The next action of what is being done, or the first one of something else."""
        while True:
            if self._doing is None:
                self._doing = self._chosen(env)
            try:
                return next(self._doing).copy()
            except StopIteration:
                self._doing = None

    def _chosen(self, env: SimEnv) -> Skill:
        self._pace = float(self._rng.uniform(0.65, 1.0))
        self.activity = self._one_of(ACTIVITIES)
        scripts: dict[str, Callable[[SimEnv], Skill]] = {
            "fetch": self._fetch,
            "push": self._push,
            "drawer": self._move_drawer,
            "reach": self._reach,
        }
        return scripts[self.activity](env)

    def _fetch(self, env: SimEnv) -> Skill:
        """Grasp something, again after a miss, and put it somewhere."""
        name = self._one_of(FETCHED)
        if not graspable(env, name):
            return False
        while not (yield from self._grasp(env, name)):
            if self._rng.random() < GIVE_UP_SHARE or not graspable(env, name):
                return False
        if self._rng.random() < 0.3:
            yield from self._wander(env, CLOSED)
        if self._rng.random() < DROP_SHARE:
            yield from skills.rest(env, OPEN)
            return False
        where = self._somewhere(env, name)
        return where is not None and (yield from skills.place(env, name, where))

    def _grasp(self, env: SimEnv, name: str) -> Skill:
        """Sometimes beside the thing, which then is missed or pushed over."""
        if self._rng.random() >= SLOPPY_SHARE:
            return (yield from skills.grasp(env, name))
        angle, length = self._rng.uniform(-np.pi, np.pi), self._rng.uniform(*SLOPPY_M)
        beside = np.array([length * np.cos(angle), length * np.sin(angle), skills.GRIP_M[name]])
        before = env.world.object_pose(name).position
        yield from skills.approach(env, lambda: before + beside, skills.GRASP_OPENING)
        yield from skills.rest(env, CLOSED)
        yield from skills.rise(env, CLOSED)
        return bool(env.world.object_pose(name).position[2] > before[2] + skills.LIFTED_M)

    def _somewhere(self, env: SimEnv, name: str) -> Array | None:
        """Where to put a thing (3,); an eggplant goes into tray and open drawer, too."""
        rng, opening = self._rng, env.world.slide(DRAWER)
        chance = rng.random() if name == "eggplant" else 1.0
        if chance < 0.35:
            return np.array(in_tray(*rng.uniform(-0.02, 0.02, 2))[:3])
        if chance < 0.65 and opening >= DRAWER_OPEN_M[0] - 0.015:
            return np.array(in_drawer(opening, rng.uniform(-0.015, 0.015))[:3])
        xy = table_spot(rng, env.world, name)
        if name == "spoon" and rng.random() < BESIDE_POT_SHARE:
            xy = env.world.object_pose("pot").position[:2] + rng.normal((0.0, LEFT_M), 0.01)
        return None if xy is None else np.append(xy, THINGS[name].rest_z)

    def _push(self, env: SimEnv) -> Skill:
        """Push something along the table."""
        name = self._one_of(PUSHED)
        here = env.world.object_pose(name).position
        goal = self._push_goal(here[:2])
        if goal is None or here[2] > THINGS[name].rest_z + 0.01:
            return False
        return (yield from skills.push(env, name, goal))

    def _push_goal(self, here: Array) -> Array | None:
        """Somewhere within reach (2,) m; None when none turns up."""
        low, high = PUSHED_TO
        for _ in range(_DRAWS):
            aside = self._rng.random() < ASIDE_SHARE
            angle, length = np.pi if aside else self._rng.uniform(-np.pi, np.pi), self._rng.uniform(0.05, 0.13)
            goal = here + length * np.array([np.cos(angle), np.sin(angle)])
            if np.all((goal > low) & (goal < high)):
                return goal
        return None

    def _move_drawer(self, env: SimEnv) -> Skill:
        """Open the drawer when it is closed, else close it; sometimes only part of the way."""
        part = self._rng.random() < 0.25
        if env.world.slide(DRAWER) < 0.045:
            opening = self._rng.uniform(0.03, 0.08) if part else self._rng.uniform(*DRAWER_OPEN_M)
            return (yield from skills.pull_drawer(env, float(opening)))
        if part or self._rng.random() < 0.3:
            return (yield from skills.pull_drawer(env, float(self._rng.uniform(0.0, 0.04) if part else 0.0)))
        done = yield from skills.push_drawer_closed(env)
        yield from skills.rest(env, CLOSED, int(self._rng.integers(0, 3)))
        yield from skills.rise(env, CLOSED)
        return done

    def _reach(self, env: SimEnv) -> Skill:
        return (yield from self._wander(env, float(self._rng.integers(2))))

    def _wander(self, env: SimEnv, opening: float) -> Skill:
        """Anywhere above the things."""
        goal = sample_tool(self._rng, None, env.robot)
        goal[2] = self._rng.uniform(0.12, 0.24)
        yield from skills.rise(env, opening)
        return (yield from skills.move(env, lambda: goal, opening, near=0.02))

    def _one_of(self, weights: Mapping[str, float]) -> str:
        return str(self._rng.choice(list(weights), p=list(weights.values())))


def graspable(env: SimEnv, name: str) -> bool:
    """Whether fingers that open along y can take a thing where it is now."""
    pose = env.world.object_pose(name)
    x, y, z = pose.position.tolist()
    within_reach = reachable(np.array([x, y, z + skills.GRIP_M[name]]), env.robot)
    covered = abs(x - HANDLE_X) < 0.06 and y > COVERED_Y and z < TRAY[2]
    axes = matrix_from_quat(pose.quat_wxyz)
    across = axes[1, 0] if name == "spoon" else axes[1, 2]
    return bool(within_reach and not covered and abs(across) < TURNED)
