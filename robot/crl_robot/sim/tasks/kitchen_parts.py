"""What tasks in the kitchen measure: where things are, how far the drawer is open, what was reached on the way."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from crl_robot.robots import Robot
from crl_robot.sim.kitchen import DRAWER, TRAVEL_M, apart, handle
from crl_robot.sim.skills import CLOSED, OPEN, pushing_tool
from crl_robot.sim.state import Episode, Placement, SceneState
from crl_robot.sim.task import Part, Stage
from crl_robot.sim.world import World

THING_TOLERANCE_M = 0.04
DRAWER_TOLERANCE_M = 0.02
_NEAR_M = 0.05
_LIFTED_M = 0.02
_MOVED_M = 0.02
_GAP_M = 0.001


def thing(name: str) -> Part:
    """A thing where the goal has it, height included."""
    return Part(name, THING_TOLERANCE_M, lambda world, episode: apart(world, name, episode.goal.objects[name]))


def drawer() -> Part:
    """The drawer as far open as the goal has it."""
    return Part(
        DRAWER, DRAWER_TOLERANCE_M, lambda world, episode: abs(world.slide(DRAWER) - episode.goal.joints[DRAWER])
    )


def near(name: str) -> Stage:
    """The tool is at a thing."""

    def reached(world: World, _: Episode) -> bool:
        return float(np.linalg.norm(world.tool_pose().position - world.object_pose(name).position)) < _NEAR_M

    return Stage(f"at the {name}", reached)


def at_handle() -> Stage:
    """The tool is at the drawer's handle."""

    def reached(world: World, _: Episode) -> bool:
        tool = world.tool_pose().position
        return bool(
            np.linalg.norm(tool[:2] - handle(world.slide(DRAWER), world.robot)) < _NEAR_M and tool[2] < 2 * _NEAR_M
        )

    return Stage("at the handle", reached)


def lifted(name: str) -> Stage:
    """A thing is higher than at the start."""

    def reached(world: World, episode: Episode) -> bool:
        return float(world.object_pose(name).position[2]) > episode.start.objects[name][2] + _LIFTED_M

    return Stage(f"{name} lifted", reached)


def moved(name: str) -> Stage:
    """A thing is not where it started."""
    return Stage(f"{name} moved", lambda world, episode: apart(world, name, episode.start.objects[name]) > _MOVED_M)


def drawer_moved() -> Stage:
    """The drawer is not as far open as at the start."""
    return Stage(
        "drawer moved", lambda world, episode: abs(world.slide(DRAWER) - episode.start.joints[DRAWER]) > _MOVED_M
    )


def done(part: Part) -> Stage:
    """A part is at the goal."""
    return Stage(f"{part.name} there", lambda world, episode: part.distance(world, episode) <= part.tolerance_m)


def after_placing(
    things: Mapping[str, Placement], name: str, placement: Placement, joints: Mapping[str, float]
) -> SceneState:
    """The goal of a placing: the open gripper has risen from what it put down."""
    return SceneState((*placement[:2], TRAVEL_M), OPEN, {**things, name: placement}, joints)


def after_opening(things: Mapping[str, Placement], opening: float, robot: Robot) -> SceneState:
    """The goal of an opening: the open gripper has risen from the handle."""
    x, y = handle(opening, robot).tolist()
    return SceneState((x, y, TRAVEL_M), OPEN, things, {DRAWER: opening})


def after_closing(things: Mapping[str, Placement], robot: Robot) -> SceneState:
    """The goal of a closing: the closed gripper stands where it pushed the handle to."""
    x, y, z = pushing_tool(0.0, robot).tolist()
    return SceneState((x, y - _GAP_M, z), CLOSED, things, {DRAWER: 0.0})
