"""What the policy node asks of the arm before a run: to go to its start pose, and to hold when that is given up."""

from __future__ import annotations

import json
from collections.abc import Callable

from rclpy.client import Client
from rclpy.task import Future
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from crl_learning.runtime.preparation import ArmFacts
from crl_learning.runtime.start_pose import StartPose
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.messages import LATCHED_QOS
from crl_robot.nodes.start_pose import GO_TO_START, START_POSE_TOPIC, same_pose


class ArmServices:
    """`ArmCalls` over ROS; everything on the executor's thread.

    Args:
        pose: where runs begin; told to the arm at once.
        asked: told when the arm is asked to go.
        answered: told whether the arm goes, and its words.
    """

    def __init__(
        self,
        node: CrlNode,
        pose: StartPose | None,
        asked: Callable[[int], None],
        answered: Callable[[bool, str], None],
    ) -> None:
        self._node, self._asked, self._answered = node, asked, answered
        self._facts, self._told = ArmFacts(), None
        self._home = node.create_client(Trigger, "arm/home")
        self._go = node.create_client(Trigger, GO_TO_START)
        self._enable = node.create_client(SetBool, "arm/enable")
        self._poses = node.create_publisher(JointState, START_POSE_TOPIC, LATCHED_QOS)
        node.create_subscription(String, "arm/status", self._on_status, LATCHED_QOS)
        if pose is not None and pose.joints is not None:
            self._poses.publish(JointState(position=list(pose.joints)))

    def facts(self) -> ArmFacts:
        """What the arm said last."""
        return self._facts

    def why_not(self, pose: StartPose) -> str:
        """Why it cannot be asked to move there now; '' when it can."""
        if pose.joints is not None and not same_pose(self._told, pose.joints):
            return f"the arm has not taken the start pose of {len(pose.joints)} joints; see the log of its node"
        ready = self._client(pose).service_is_ready()
        return "" if ready else f"{self._client(pose).srv_name} is not there; is the arm's node running?"

    def go(self, pose: StartPose) -> None:
        """Ask it to move there; the answer comes later."""
        self._asked(self._node.now_ns())
        self._client(pose).call_async(Trigger.Request()).add_done_callback(self._on_answer)

    def stop(self) -> None:
        """Disable it; nobody waits for the answer, and the arm's status tells."""
        if self._enable.service_is_ready():
            self._enable.call_async(SetBool.Request(data=False))

    def _client(self, pose: StartPose) -> Client:
        return self._home if pose.joints is None else self._go

    def _on_answer(self, done: Future) -> None:
        answer = done.result()
        self._answered(bool(answer and answer.success), answer.message if answer else "no answer came")

    def _on_status(self, msg: String) -> None:
        try:
            status = json.loads(msg.data)
            homed = int(status.get("counters", {}).get("homed", 0))
            self._facts = ArmFacts(str(status["mode"]), str(status["reason"]), homed)
            self._told = status.get("start_pose")
        except (ValueError, KeyError, TypeError, AttributeError):  # told by whoever reads the arm's meaning of actions
            return
