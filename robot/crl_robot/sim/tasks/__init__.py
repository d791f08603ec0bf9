"""The simulated tasks, one file each: how episodes are drawn, what success is, and a scripted solution."""

from __future__ import annotations

from collections.abc import Callable

from crl_robot.errors import ConfigError, nearest
from crl_robot.robots import WIDOWX, Robot
from crl_robot.sim.task import Task
from crl_robot.sim.tasks.drawer import drawer_task
from crl_robot.sim.tasks.pick_place import pick_place
from crl_robot.sim.tasks.pick_place_drawer import pick_place_drawer
from crl_robot.sim.tasks.pick_place_table import pick_place_table
from crl_robot.sim.tasks.push import push
from crl_robot.sim.tasks.push_close_drawer import push_close_drawer
from crl_robot.sim.tasks.push_open_drawer import push_open_drawer
from crl_robot.sim.tasks.reach import reach

_MAKERS: dict[str, Callable[[Robot], Task]] = {
    "reach": reach,
    "push": push,
    "pick_place": pick_place,
    "drawer": drawer_task,
    "pick_place_table": pick_place_table,
    "pick_place_drawer": pick_place_drawer,
    "push_open_drawer": push_open_drawer,
    "push_close_drawer": push_close_drawer,
}


def get_task(name: str, robot: Robot = WIDOWX) -> Task:
    """The task of that name for ``robot``. Raises ConfigError naming the nearest one that it has."""
    if name not in robot.tick_limits:
        raise ConfigError(f"no task of robot '{robot.name}' is named '{name}'; {nearest(name, robot.tick_limits)}")
    return _MAKERS[name](robot)
