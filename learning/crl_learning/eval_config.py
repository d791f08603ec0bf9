"""The settings of crl-eval as a dataclass; their defaults and what they mean are in configs/eval.yaml."""

from __future__ import annotations

from dataclasses import dataclass

from crl_robot.errors import ConfigError, nearest
from crl_robot.sim.tasks import TASKS, get_task
from crl_robot.sim.world import WorldOptions

WAYS = ("direct", "ros")


@dataclass(frozen=True)
class EvalConfig:
    """What to evaluate, on what, how often, and over which way."""

    checkpoint: str | None
    policy: str | None
    task: str
    episodes: int
    seed: int
    out: str
    via: str
    workers: int
    videos: int
    world: WorldOptions

    def __post_init__(self) -> None:
        if self.via not in WAYS:
            raise ConfigError(f"via={self.via} is unknown; {nearest(self.via, WAYS)}")
        for name, lowest in (("episodes", 1), ("workers", 1), ("videos", 0), ("seed", 0)):
            if getattr(self, name) < lowest:
                raise ConfigError(f"{name}={getattr(self, name)}, expected a whole number of at least {lowest}")
        if self.via == "ros" and self.checkpoint is None:
            raise ConfigError(f"via=ros evaluates a checkpoint, got policy={self.policy}; use via=direct for it")
        if self.via == "ros" and self.world != WorldOptions():
            raise ConfigError("world.* settings need via=direct; the ROS graph runs the unchanged world")
        for task in self.tasks:
            get_task(task)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that ``task`` stands for."""
        return tuple(TASKS) if self.task == "all" else (self.task,)
