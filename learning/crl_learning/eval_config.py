"""The settings of crl-eval as a dataclass; their defaults and what they mean are in configs/eval.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crl_data.ogbench.names import OgbenchName, is_ogbench
from crl_learning.actors import Subject
from crl_learning.evaluate import Job
from crl_robot.arm_model import ROBOT_NAMES
from crl_robot.errors import ConfigError, nearest
from crl_robot.robots import robot
from crl_robot.sim.randomisation import Randomisation
from crl_robot.sim.tasks import get_task
from crl_robot.sim.world_options import WorldOptions

GOAL_WORLDS = ("unchanged", "live")
WAYS = ("direct", "ros", "emulated")


@dataclass(frozen=True)
class EvalConfig:
    """What to evaluate, on what, how often, and over which way.

    ``checkpoint``, ``policy``, ``task`` and ``seed`` are one value or a list; every combination is run.
    """

    checkpoint: Any
    policy: Any
    task: Any
    episodes: int
    seed: Any
    out: str
    overwrite: bool
    via: str
    lockstep: bool
    robot: str
    workers: int
    videos: int
    compare: tuple[str, ...]
    curves: tuple[str, ...]
    world: WorldOptions
    randomisation: Randomisation
    goal_world: str

    def __post_init__(self) -> None:
        if self.via not in WAYS:
            raise ConfigError(f"via={self.via} is unknown; {nearest(self.via, WAYS)}")
        if self.robot not in ROBOT_NAMES:
            raise ConfigError(f"robot={self.robot} is unknown; {nearest(self.robot, ROBOT_NAMES)}")
        if self.goal_world not in GOAL_WORLDS:
            raise ConfigError(f"goal_world={self.goal_world} is unknown; {nearest(self.goal_world, GOAL_WORLDS)}")
        for name, lowest in (("episodes", 1), ("workers", 1), ("videos", 0)):
            if getattr(self, name) < lowest:
                raise ConfigError(f"{name}={getattr(self, name)}, expected a whole number of at least {lowest}")
        if self.compare:
            self._require_comparison()
        if self.compare or self.curves:
            return
        _ = self.seeds
        if self.via != "direct":
            self._require_graph()
        elif self.lockstep:
            raise ConfigError("lockstep=true is for via=ros; via=direct always runs in lock step")
        if self.on_ogbench:
            self._require_ogbench()
            return
        for task in self.tasks:
            get_task(task, robot(self.robot))

    @property
    def world_unchanged(self) -> bool:
        """Whether every trial has the world as it is modelled."""
        return self.world == WorldOptions() and not self.randomisation.groups

    @property
    def on_ogbench(self) -> bool:
        """Whether a task is one of OGBench's."""
        return any(is_ogbench(task) for task in self.tasks)

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Checkpoints, then baselines, in the order given. Raises ConfigError where there is none."""
        checkpoints, policies = (_words(name, getattr(self, name)) for name in ("checkpoint", "policy"))
        if not checkpoints and not policies:
            return (Subject(None, None),)  # which says what is missing
        return (*(Subject(checkpoint=one) for one in checkpoints), *(Subject(policy=one) for one in policies))

    @property
    def checkpoints(self) -> tuple[str, ...]:
        """Those among the subjects."""
        return tuple(one.checkpoint for one in self.subjects if one.checkpoint is not None)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that ``task`` stands for."""
        given = _words("task", self.task)
        return tuple(robot(self.robot).tick_limits) if given == ("all",) else given

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, each of which draws ``episodes`` trials. Raises ConfigError for what is no seed."""
        seeds = tuple(self.seed) if isinstance(self.seed, Sequence) and not isinstance(self.seed, str) else (self.seed,)
        if not seeds or not all(type(seed) is int and seed >= 0 for seed in seeds):
            raise ConfigError(f"seed={self.seed}, expected a whole number of at least 0, or a list such as [0,1,2]")
        return _distinct("seed", seeds)

    def jobs(self) -> list[Job]:
        """One for every subject, task and seed, in this order."""
        return [
            Job(
                subject,
                task,
                seed,
                self.episodes,
                self.robot,
                self.world,
                self.randomisation,
                self.goal_world == "live",
            )
            for subject in self.subjects
            for task in self.tasks
            for seed in self.seeds
        ]

    def _require_graph(self) -> None:
        if any(subject.checkpoint is None for subject in self.subjects):
            raise ConfigError(f"via={self.via} evaluates a checkpoint, got policy={self.policy}; use via=direct for it")
        if not self.world_unchanged:
            raise ConfigError("world.* and randomisation need via=direct; the ROS graph runs the unchanged world")
        if self.lockstep and self.via != "ros":
            raise ConfigError(f"lockstep=true is for via=ros, got via={self.via}; hardware has a clock of its own")

    def _require_ogbench(self) -> None:
        for task in self.tasks:
            if not is_ogbench(task):
                raise ConfigError(f"task={task} is not one of OGBench's, expected those alone; run it by itself")
            OgbenchName.parse(task)
        if self.via != "direct" or not self.world_unchanged:
            raise ConfigError(
                f"OGBench's tasks know no robot, got via={self.via}, world.* or randomisation; leave them as they are"
            )

    def _require_comparison(self) -> None:
        if len(self.compare) != 2:
            raise ConfigError(f"compare={list(self.compare)}, expected two folders of results: compare=[SIM,REAL]")
        if self.curves:
            raise ConfigError(f"got compare={list(self.compare)} and curves={list(self.curves)}, expected one of them")


def _words(name: str, value: Any) -> tuple[str, ...]:
    """The words of a setting that is null, one word, or a list of words."""
    if value is None:
        return ()
    words = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Sequence) else (value,)
    if not all(isinstance(word, str) and word for word in words):
        raise ConfigError(f"{name}={value}, expected a word, or a list of words such as [a,b]")
    return _distinct(name, words)


def _distinct(name: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) != len(values):
        raise ConfigError(f"{name}={list(values)} names one twice, expected each once")
    return values
