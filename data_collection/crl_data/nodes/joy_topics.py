"""How devices in the operator's hand speak ROS: `sensor_msgs/Joy` on /joy, and a keyboard's session keys beside it."""

from __future__ import annotations

from collections.abc import Sequence

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Joy

JOY_TOPIC = "joy"
KEYS_TOPIC = "session/keys"
"""Session buttons from the keyboard, layout 'plain': they work beside any device that moves the arm."""
JOY_PUBLISHER_QOS = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
# Best effort meets any publisher; states are repeated many times a second, so a lost one does no harm.
JOY_QOS = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)


def joy_msg(node: Node, axes: Sequence[float], buttons: Sequence[int], device: str) -> Joy:
    """Axes and buttons stamped now."""
    msg = Joy(axes=[float(v) for v in axes], buttons=[int(v) for v in buttons])
    msg.header.stamp = node.get_clock().now().to_msg()
    msg.header.frame_id = device
    return msg


def other_publishers(node: Node, topic: str) -> list[str]:
    """Names of the nodes beside ``node`` that publish on ``topic``."""
    if node.count_publishers(topic) <= 1:
        return []
    infos = node.get_publishers_info_by_topic(topic)
    names = sorted(info.node_name for info in infos)
    if node.get_name() in names:
        names.remove(node.get_name())
    return names
