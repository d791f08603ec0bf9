"""What an arm can do in the kitchen, as generators: each gives one action after the other, from the true state of now.

They look again at every tick, so noise on their actions is no harm. A skill returns whether it got what it wanted; one
that takes too long gives up, and the caller may try again.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crl_robot.robots import Robot
from crl_robot.sim.kitchen import DRAWER, HANDLE_FRONT_M, THINGS, TRAVEL_M, handle
from crl_robot.sim.moves import push_waypoint, step_towards
from crl_robot.sim.places import reachable
from crl_robot.sim.pushing import PUSH_ROOM_M, behind

if TYPE_CHECKING:
    from crl_robot.sim.env import SimEnv

Array = NDArray[np.float64]
Skill = Generator[NDArray[np.float32], None, bool]

OPEN, CLOSED = 1.0, 0.0
GRASP_OPENING = 0.85
HANDLE_TIPS_M = 0.038
"""Height of the finger tips at the drawer's handle."""
LIFTED_M = 0.02
CAREFUL_M = 0.03
"""Largest step of a move that touches something."""
GRIP_M = {"spoon": 0.009, "eggplant": 0.004, "block": 0.008}
"""Height of the tool above the frame of what it grasps."""

_NEAR_M = 0.008
_OVER_M = 0.015
_CLOSING_TICKS = 2


def move(
    env: SimEnv, where: Callable[[], Array], opening: float, near: float = _NEAR_M, step: float | None = None
) -> Skill:
    """The tool straight to ``where()`` (3,) m; done within ``near`` of it."""
    for _ in range(round(0.7 / env.robot.limits.max_step_m)):
        if np.linalg.norm(env.world.tool_pose().position - where()) < near:
            return True
        yield _action(env, where(), opening, step)
    return False


def rest(env: SimEnv, opening: float, ticks: int = _CLOSING_TICKS) -> Skill:
    """Stay, with the gripper going to ``opening``."""
    where = env.arm_state().target.position.copy()
    for _ in range(ticks):
        yield _action(env, where, opening)
    return True


def rise(env: SimEnv, opening: float, height: float = TRAVEL_M) -> Skill:
    """Straight up to ``height``, if the tool is lower."""
    x, y, z = env.arm_state().target.position.tolist()
    return (yield from move(env, lambda: np.array([x, y, max(z, height)]), opening, _OVER_M))


def approach(env: SimEnv, where: Callable[[], Array], opening: float) -> Skill:
    """Up, over to above ``where()`` and down to it."""

    def above() -> Array:
        return np.append(where()[:2], TRAVEL_M)

    if env.world.tool_pose().position[2] < TRAVEL_M - _OVER_M and not _over(env, where()):
        yield from rise(env, opening)
    yield from move(env, above, opening, _OVER_M)
    return (yield from move(env, where, opening))


def grasp(env: SimEnv, name: str) -> Skill:
    """Take a thing by its middle and lift it; true when it came along."""

    def where() -> Array:
        return env.world.object_pose(name).position + np.array([0.0, 0.0, GRIP_M[name]])

    height = env.world.object_pose(name).position[2]
    yield from approach(env, where, GRASP_OPENING)
    yield from rest(env, CLOSED)
    yield from rise(env, CLOSED)
    return bool(env.world.object_pose(name).position[2] > height + LIFTED_M)


def place(env: SimEnv, name: str, where: Array) -> Skill:
    """Carry a held thing to ``where`` (3,), let go and rise; true when it lies there within 2 cm."""

    def tool(height: float) -> Array:
        return env.world.tool_pose().position + where + [0.0, 0.0, height] - env.world.object_pose(name).position

    yield from rise(env, CLOSED)
    yield from move(env, lambda: np.append(tool(0.0)[:2], TRAVEL_M), CLOSED, _OVER_M)
    yield from move(env, lambda: tool(0.003), CLOSED, step=CAREFUL_M)
    yield from rest(env, OPEN)
    yield from rise(env, OPEN)
    return bool(np.linalg.norm(env.world.object_pose(name).position - where) < 0.02)


def push(env: SimEnv, name: str, goal_xy: Array) -> Skill:
    """Push a thing along the table to ``goal_xy`` (2,) with the gripper closed, then rise.

    False at once when the tool has no room behind the thing.
    """
    radius = THINGS[name].half[1]
    if not reachable(behind(env.world.object_pose(name).position[:2], goal_xy, PUSH_ROOM_M + radius), env.robot):
        return False
    for _ in range(30):
        if np.linalg.norm(env.world.object_pose(name).position[:2] - goal_xy) < 0.015:
            break
        yield _action(env, push_waypoint(env, goal_xy, name=name, radius=radius), CLOSED, CAREFUL_M)
    yield from rise(env, CLOSED)
    return bool(np.linalg.norm(env.world.object_pose(name).position[:2] - goal_xy) < 0.025)


def pull_drawer(env: SimEnv, opening: float) -> Skill:
    """Take the drawer by its handle, move it to ``opening`` m, let go and rise."""

    def grip() -> Array:
        return np.append(handle(env.world.slide(DRAWER), env.robot), handle_z(env.robot))

    yield from approach(env, grip, OPEN)
    yield from rest(env, CLOSED)
    for _ in range(round(0.6 / env.robot.limits.max_step_m)):
        left = opening - env.world.slide(DRAWER)
        if abs(left) < 0.004:
            break
        target = env.world.tool_pose().position - [0.0, left, 0.0]
        yield _action(env, np.append(target[:2], handle_z(env.robot)), CLOSED, CAREFUL_M)
    yield from rest(env, OPEN)
    yield from rise(env, OPEN)
    return abs(env.world.slide(DRAWER) - opening) < 0.015


def push_drawer_closed(env: SimEnv) -> Skill:
    """Push the drawer closed with the gripper closed before its handle, and stay there."""

    def before(gap: float) -> Array:
        return pushing_tool(env.world.slide(DRAWER), env.robot) - [0.0, gap, 0.0]

    yield from approach(env, lambda: before(0.02), CLOSED)
    for _ in range(round(0.6 / env.robot.limits.max_step_m)):
        left = env.world.slide(DRAWER)
        if left < 0.003:
            return True
        yield _action(env, before(-left - 0.004), CLOSED, CAREFUL_M)
    return False


def handle_z(robot: Robot) -> float:
    """Height of the tool whose fingers are at the drawer's handle, m."""
    return HANDLE_TIPS_M + robot.fingers.below_tool_m


def pushing_tool(opening: float, robot: Robot) -> Array:
    """(3,) of a tool whose closed fingers touch the handle from outside when the drawer is ``opening`` m open."""
    x, y = handle(opening, robot).tolist()
    return np.array([x, y - HANDLE_FRONT_M - robot.fingers.half_m[1], handle_z(robot)])


def _over(env: SimEnv, where: Array) -> bool:
    return bool(np.linalg.norm(env.world.tool_pose().position[:2] - where[:2]) < _OVER_M)


def _action(env: SimEnv, where: Array, opening: float, step: float | None = None) -> NDArray[np.float32]:
    values = step_towards(env, where, min(step or np.inf, env.robot.limits.max_step_m))
    values[6] = opening
    return values
