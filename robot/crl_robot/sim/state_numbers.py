"""The state of a simulated scene as one vector, in place of an image: what networks without eyes learn from.

Positions are in units of `UNIT_M` from the middle of the robot's workspace, so that all entries are of the size of 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crl_robot.robots import Robot
from crl_robot.sim.env import SimEnv
from crl_robot.sim.state import SceneState
from crl_robot.sim.world import World

UNIT_M = 0.1


def state_names(world: World) -> tuple[str, ...]:
    """Entries of `state_numbers`: the tool, each object, each drawer."""
    axes = [f"{name}_{axis}" for name in ("tool", *world.objects) for axis in "xyz"]
    return (*axes, "gripper", *world.slides)


def state_numbers(env: SimEnv) -> NDArray[np.float32]:
    """float32 (D,): the true state of now; the gripper's opening is from -1 (closed) to 1."""
    return _numbers(env, env.arm_state().joints.gripper)


def goal_numbers(env: SimEnv) -> NDArray[np.float32]:
    """The same of the world posed at the goal of the running episode, which goes on unchanged."""
    return scene_numbers(env, env.episode.goal)


def scene_numbers(env: SimEnv, scene: SceneState) -> NDArray[np.float32]:
    """The same of the world posed at ``scene``; the running episode goes on unchanged."""
    with env.world.aside():
        env.place(scene)
        return _numbers(env, scene.gripper)


def middle(robot: Robot) -> NDArray[np.float64]:
    """(3,) of the workspace, m."""
    return 0.5 * (np.array(robot.limits.workspace_low) + np.array(robot.limits.workspace_high))


def _numbers(env: SimEnv, gripper: float) -> NDArray[np.float32]:
    world = env.world
    points = np.array([world.tool_pose().position, *(world.object_pose(name).position for name in world.objects)])
    slides = [world.slide(name) / UNIT_M for name in world.slides]
    scaled = (points - middle(env.robot)) / UNIT_M
    return np.array([*scaled.ravel(), 2 * gripper - 1, *slides], dtype=np.float32)
