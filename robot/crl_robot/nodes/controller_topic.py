"""The command topics of ros2_control's controllers: joint positions out, and who else is on them."""

from __future__ import annotations

import array
from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Duration as DurationMsg
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from crl_robot.errors import ArmError
from crl_robot.nodes.ros2_control_settings import Ros2ControlSettings

_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
_FLUSH_S = 0.5


class ControllerTopic:
    """Publishes positions of ``names`` as ``kind`` 'trajectory' or 'forward'; ``sent`` counts them.

    Raises ArmError when another program publishes on the topic already.
    """

    def __init__(self, node: Node, topic: str, kind: str, names: Sequence[str], ahead_s: float) -> None:
        self.topic, self.sent = topic, 0
        self._node, self._names = node, list(names)
        self._trajectory = kind == "trajectory"
        self._ahead = DurationMsg(sec=int(ahead_s), nanosec=round(ahead_s % 1 * 1e9))
        if others := node.get_publishers_info_by_topic(topic):
            by = ", ".join(f"{other.node_namespace.rstrip('/')}/{other.node_name}" for other in others)
            raise ArmError(f"{topic} is already in use by {by}; end that program first: one arm takes one source")
        self._publisher = node.create_publisher(JointTrajectory if self._trajectory else Float64MultiArray, topic, _QOS)

    @property
    def listeners(self) -> int:
        """How many controllers listen."""
        return self._publisher.get_subscription_count()

    def require_sole(self) -> None:
        """Raise ArmError unless a controller listens, and nobody else commands it."""
        if not self.listeners:
            raise ArmError(f"no controller listens on {self.topic}; is it spawned, and are name and type right?")
        if self._node.count_publishers(self.topic) > 1:
            raise ArmError(f"another program publishes on {self.topic} too; end it: one arm takes one source")

    def send(self, positions: Sequence[float] | np.ndarray) -> None:
        """Publish one position for each name."""
        values = array.array("d", np.asarray(positions, dtype=np.float64).tobytes())
        if self._trajectory:
            point = JointTrajectoryPoint(positions=values, time_from_start=self._ahead)
            self._publisher.publish(JointTrajectory(joint_names=self._names, points=[point]))  # stamp 0: begin now
        else:
            self._publisher.publish(Float64MultiArray(data=values))
        self.sent += 1

    def flush(self) -> None:
        """Wait until the controllers have what was sent: it would be lost with the publisher."""
        self._publisher.wait_for_all_acked(Duration(seconds=_FLUSH_S))


class Controllers:
    """The arm's controller and, where the gripper has one of its own, the gripper's.

    Args:
        arm_topic, gripper_topic: full names; the gripper's is empty when there is none.
    """

    def __init__(self, node: Node, settings: Ros2ControlSettings, arm_topic: str, gripper_topic: str) -> None:
        self._settings, ahead_s = settings, settings.ahead_s
        finger = [settings.gripper_joint] if settings.gripper_joint else []
        self._joined = bool(finger) and not gripper_topic
        names = [*settings.model.joint_names, *(finger if self._joined else [])]
        self._arm = ControllerTopic(node, arm_topic, settings.command_type, names, ahead_s)
        self._topics = [self._arm]
        if gripper_topic:
            self._topics.append(ControllerTopic(node, gripper_topic, settings.gripper_type, finger, ahead_s))

    @property
    def complete(self) -> bool:
        """Whether somebody listens on every topic."""
        return all(topic.listeners for topic in self._topics)

    @property
    def sent(self) -> dict[str, int]:
        """How many commands were sent on each topic."""
        return {topic.topic: topic.sent for topic in self._topics}

    def require_sole(self) -> None:
        """Raise ArmError unless every controller listens, and nobody else commands one."""
        for topic in self._topics:
            topic.require_sole()

    def require_arm(self) -> None:
        """Raise ArmError when the arm's controller is not there."""
        if not self._arm.listeners:
            raise ArmError(f"cannot hold: no controller listens on {self._arm.topic}")

    def send(self, joints: np.ndarray, opening: float, with_gripper: bool) -> None:
        """Publish joints (N,) rad; the opening 0..1 where it is the arm's last joint, or ``with_gripper``."""
        settings = self._settings
        position = settings.gripper_closed + opening * (settings.gripper_open - settings.gripper_closed)
        self._arm.send([*joints, position] if self._joined else joints)
        if with_gripper:
            for topic in self._topics[1:]:
                topic.send([position])

    def flush(self) -> None:
        """Wait until the controllers have what was sent."""
        for topic in self._topics:
            topic.flush()
