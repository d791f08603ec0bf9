"""What the simulation knows and no camera sees, on sim/ground_truth: tool, main object, and how far the task is."""

from __future__ import annotations

from collections.abc import Callable

from sensor_msgs.msg import JointState

from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.messages import STATE_QOS, time_from_ns
from crl_robot.sim.state import Episode
from crl_robot.sim.task import Task
from crl_robot.sim.world import World

TRUTH_NAMES = (
    *("tool_x", "tool_y", "tool_z", "object_x", "object_y", "object_z"),
    *("distance", "success", "arm_distance", "stage"),
)


class TruthTopic:
    """Judges one world by the task and the episode that it was given last."""

    def __init__(self, node: CrlNode, world: World, clock_ns: Callable[[], int]) -> None:
        self._world, self._clock_ns = world, clock_ns
        self._topic = node.create_publisher(JointState, "sim/ground_truth", STATE_QOS)

    def begin(self, task: Task, episode: Episode) -> None:
        """An episode begins; no stage of it is reached."""
        with self._world.lock:
            self._task, self._episode, self._stage = task, episode, 0

    def publish(self, at_start: bool = False) -> None:
        """Publish what is true now; ``at_start`` leaves the stages alone, which count only after an action."""
        with self._world.lock:
            world, task, episode = self._world, self._task, self._episode
            tool, thing = world.tool_pose().position, world.object_pose(task.object).position
            if not at_start:
                self._stage = task.stage(world, episode, self._stage)
            judged = [task.distance(world, episode), float(task.success(world, episode))]
            judged += [task.arm_distance(world, episode), float(self._stage)]
            stamp_ns = self._clock_ns()
        msg = JointState(name=list(TRUTH_NAMES), position=[*tool.tolist(), *thing.tolist(), *judged])
        msg.header.stamp = time_from_ns(stamp_ns)
        self._topic.publish(msg)
