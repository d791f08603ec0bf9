"""The settings of crl-eval as a dataclass; their defaults and what they mean are in configs/eval.yaml."""

from __future__ import annotations

from dataclasses import dataclass

from crl_robot.arm_model import ROBOT_NAMES
from crl_robot.errors import ConfigError, nearest
from crl_robot.robots import robot
from crl_robot.sim.tasks import get_task
from crl_robot.sim.world import WorldOptions

WAYS = ("direct", "ros", "emulated")


@dataclass(frozen=True)
class EvalConfig:
    """What to evaluate, on what, how often, and over which way."""

    checkpoint: str | None
    policy: str | None
    task: str
    episodes: int
    seed: int
    out: str
    overwrite: bool
    via: str
    robot: str
    workers: int
    videos: int
    world: WorldOptions

    def __post_init__(self) -> None:
        if self.via not in WAYS:
            raise ConfigError(f"via={self.via} is unknown; {nearest(self.via, WAYS)}")
        if self.robot not in ROBOT_NAMES:
            raise ConfigError(f"robot={self.robot} is unknown; {nearest(self.robot, ROBOT_NAMES)}")
        for name, lowest in (("episodes", 1), ("workers", 1), ("videos", 0), ("seed", 0)):
            if getattr(self, name) < lowest:
                raise ConfigError(f"{name}={getattr(self, name)}, expected a whole number of at least {lowest}")
        if self.via != "direct" and self.checkpoint is None:
            raise ConfigError(f"via={self.via} evaluates a checkpoint, got policy={self.policy}; use via=direct for it")
        if self.via != "direct" and self.world != WorldOptions():
            raise ConfigError("world.* settings need via=direct; the ROS graph runs the unchanged world")
        for task in self.tasks:
            get_task(task, robot(self.robot))

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that ``task`` stands for."""
        return tuple(robot(self.robot).tick_limits) if self.task == "all" else (self.task,)
