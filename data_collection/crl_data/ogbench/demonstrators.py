"""Policies that know the true state and make data as OGBench's were made, step by step, without an end of their own.

Settings of each kind of data are those of the repository's data_gen_scripts/commands.sh.
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from crl_data.ogbench.environment import OgbenchEnvironment
from crl_data.ogbench.files import data_file, download_advice
from crl_robot.errors import ConfigError

Cell = tuple[int, int]
POINT_NOISE = 0.5
"""Standard deviation of the noise on a point's controls."""
STITCH_CELLS = 4
"""How far the goal of a 'stitch' trajectory is from its start."""
NEIGHBOURS = ((-1, 0), (1, 0), (0, -1), (0, 1))


class Demonstrator(Protocol):
    """Acts in an environment that is collecting.

    Attributes:
        usable: whether the episode so far may be kept.
    """

    usable: bool

    def begin(self, seed: int) -> NDArray[Any]:
        """Start an episode; returns the first observation."""
        ...

    def step(self) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """Act once; returns the action (A,) and the observation that it led to."""
        ...


def demonstrator(environment: OgbenchEnvironment) -> Demonstrator:
    """The policy that makes the data of an environment. Raises ConfigError where the package has none."""
    name = environment.name
    kind = name.demonstrator
    if kind == "none":
        raise ConfigError(
            f"task={name.task}: its data come from trained networks that the package does not bring, and the published "
            f"file is not at {data_file(name)}; {download_advice(name)}"
        )
    return MazeDemonstrator(environment) if kind == "maze" else ArmDemonstrator(environment)


class MazeDemonstrator:
    """Walks from cell to cell on the shortest way, with noise.

    'navigate' takes the next goal when it is at the last one, 'stitch' stays at its only goal, 4 cells away.
    """

    usable = True

    def __init__(self, environment: OgbenchEnvironment) -> None:
        self._environment, self._raw = environment, environment.raw
        maze: NDArray[np.int64] = environment.raw.maze_map
        self._free: list[Cell] = [(int(i), int(j)) for i, j in np.argwhere(maze == 0)]
        self._corners = [cell for cell in self._free if not _is_corridor(maze, cell)]
        self._stitch = environment.name.kind == "stitch"
        self._rng = np.random.default_rng(0)

    def begin(self, seed: int) -> NDArray[Any]:
        self._rng = np.random.default_rng(seed)
        self._environment.seed(seed)
        start = self._one_of(self._free)
        far = cells_at(self._free, start, STITCH_CELLS) or [start] if self._stitch else self._corners
        with self._environment.lent():
            where = {"init_ij": start, "goal_ij": self._one_of(far)}
            observation, _ = self._raw.reset(seed=seed, options={"task_info": where})
        return self._environment.observed(observation)

    def step(self) -> tuple[NDArray[np.float32], NDArray[Any]]:
        noise = self._rng.normal(0, POINT_NOISE, 2)
        action = np.clip(to_next_cell(self._environment) + noise, -1, 1).astype(np.float32)
        observation, reached = self._environment.step(action)
        if reached and not self._stitch:
            with self._environment.lent():
                self._raw.set_goal(goal_xy=self._raw.add_noise(self._raw.ij_to_xy(self._one_of(self._corners))))
        return action, observation

    def _one_of(self, cells: list[Cell]) -> Cell:
        return cells[int(self._rng.integers(len(cells)))]


def to_next_cell(environment: OgbenchEnvironment) -> NDArray[np.float64]:
    """Direction (2,) of length 1 from where a point is to the next cell on the shortest way to its goal."""
    here, goal = environment.raw.get_xy(), environment.raw.cur_goal_xy
    way = environment.raw.get_oracle_subgoal(here, goal)[0] - here
    return way / (np.linalg.norm(way) + 1e-6)


class ArmDemonstrator:
    """Lets the package's oracles do one thing after the other: move a cube, press a button, open a drawer or window.

    'play' follows plans with smooth noise; 'noisy' reacts to what it sees, with white noise and random actions. An
    episode of 'scene' is not usable once its cube has left the view: goal images of it would be ambiguous.
    """

    def __init__(self, environment: OgbenchEnvironment) -> None:
        self._environment, self._raw = environment, environment.raw
        self._noisy = environment.name.kind == "noisy"
        self._oracles = {thing: self._oracle(thing) for thing in _things(environment)}
        self._rng, self._info, self._noise, self._stack = np.random.default_rng(0), {}, 0.0, 0.0

    def begin(self, seed: int) -> NDArray[Any]:
        self._rng = np.random.default_rng(seed)
        self._environment.seed(seed)
        with self._environment.lent():
            observation, self._info = self._raw.reset(seed=seed)
            self._noise = self._rng.uniform(0, 0.1)
            self._stack = self._rng.uniform(*STACKING.get(self._environment.name.size, (0.5, 0.5)))
            self._current.reset(observation, self._info)
        self.usable = True
        return self._environment.observed(observation)

    def step(self) -> tuple[NDArray[np.float32], NDArray[Any]]:
        with self._environment.lent():
            current = self._current
            action = np.asarray(current.select_action(None, self._info), np.float64)
            if self._noisy:
                action = self._disturbed(action)
            action = np.clip(action, -1, 1).astype(np.float32)
            observation, _, _, _, self._info = self._raw.step(action)
            if current.done:
                aimed, self._info = self._raw.set_new_target(p_stack=self._stack)
                self._current.reset(aimed, self._info)
        if self._environment.name.family == "scene":
            self.usable &= cube_in_view(self._info["privileged/block_0_pos"])
        return action, self._environment.observed(observation)

    @property
    def _current(self) -> Any:
        """The oracle of what is to be done now."""
        return self._oracles[self._raw._target_task]

    def _disturbed(self, action: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._rng.random() < RANDOM_ACTIONS[self._environment.name.family]:
            return self._rng.uniform(-1, 1, len(action))
        return action + self._rng.normal(0, self._noise * np.array([1, 1, 1, 3, 10]))

    def _oracle(self, thing: str) -> Any:
        style = "markov" if self._noisy else "plan"
        module = importlib.import_module(f"ogbench.manipspace.oracles.{style}.{thing}_{style}")
        settings: dict[str, Any] = {"min_norm": 0.4} if self._noisy else {"noise": 0.1, "noise_smoothing": 0.5}
        if self._environment.name.family == "puzzle":
            settings["gripper_always_closed"] = True
        if self._noisy and thing == "cube" and self._environment.name.family == "scene":
            settings["max_step"] = 100
        return getattr(module, f"{thing.title()}{style.title()}Oracle")(env=self._raw, **settings)


STACKING = {"single": (0.0, 0.0), "double": (0.0, 0.25), "triple": (0.05, 0.35), "quadruple": (0.1, 0.5)}
"""Range from which each episode draws the probability that a cube goes onto another one."""
RANDOM_ACTIONS = {"cube": 0.1, "scene": 0.1, "puzzle": 0.2}
"""Share of random actions in 'noisy' data."""


def cube_in_view(position: NDArray[np.float64]) -> bool:
    """Whether the camera of 'scene' sees a cube at ``position`` (3,) in m, or it lies in the drawer."""
    _, y, z = position
    in_drawer = 0.06 <= z <= 0.08
    return bool(y < 0.29 and (y > -0.3 or in_drawer))


def cells_at(free: list[Cell], start: Cell, distance: int) -> list[Cell]:
    """The free cells that are ``distance`` steps from ``start`` on the shortest way."""
    seen, ring = {start}, [start]
    for _ in range(distance):
        beside = ((i + di, j + dj) for i, j in ring for di, dj in NEIGHBOURS)
        ring = [cell for cell in dict.fromkeys(beside) if cell in free and cell not in seen]
        seen |= set(ring)
    return ring


def _is_corridor(maze: NDArray[np.int64], cell: Cell) -> bool:
    """Free on two opposite sides and walled on the other two: nobody's goal."""
    up, down, left, right = (maze[cell[0] + di, cell[1] + dj] for di, dj in NEIGHBOURS)
    return (up, down, left, right) in ((0, 0, 1, 1), (1, 1, 0, 0))


def _things(environment: OgbenchEnvironment) -> tuple[str, ...]:
    """What can be moved."""
    things = {"cube": ("cube",), "scene": ("cube", "button", "drawer", "window"), "puzzle": ("button",)}
    return things[environment.name.family]
