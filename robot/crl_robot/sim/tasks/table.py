"""The scene of `reach` and `push`: a table with one can."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crl_robot.sim.state import Episode, Point, SceneState
from crl_robot.sim.world import CAN_HEIGHT_M, World

Array = NDArray[np.float64]

TABLE = "table"


def table_episode(start_tool: Array | Point, start_can: Array, goal_tool: Array | Point, goal_can: Array) -> Episode:
    """Start and goal from the tool (3,) and the can (2,), m, with the gripper closed."""
    return Episode(_state(start_tool, start_can), _state(goal_tool, goal_can))


def can_distance(world: World, episode: Episode) -> float:
    """What is left of the can's way along the table, m."""
    return float(np.linalg.norm(world.object_pose("can").position[:2] - episode.goal.objects["can"][:2]))


def _state(tool: Array | Point, can: Array) -> SceneState:
    x, y, z = (float(v) for v in tool)
    return SceneState((x, y, z), objects={"can": (float(can[0]), float(can[1]), CAN_HEIGHT_M / 2, 0.0)})
