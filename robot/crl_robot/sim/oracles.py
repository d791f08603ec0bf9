"""Scripted solutions that read the true state: they show that each task can be solved."""

from __future__ import annotations

from crl_robot.robots import WIDOWX, Robot
from crl_robot.sim.task import Oracle
from crl_robot.sim.tasks import get_task

__all__ = ["Oracle", "oracle"]


def oracle(task: str, robot: Robot = WIDOWX) -> Oracle:
    """The oracle of one episode of a task. Raises ConfigError naming the nearest known one."""
    return get_task(task, robot).oracle()
