"""The topic robot_description: what robot_state_publisher, RViz and MoveIt want to know of an arm."""

from __future__ import annotations

from rclpy.node import Node
from std_msgs.msg import String

from crl_robot.arm_model import ArmModel
from crl_robot.errors import ConfigError
from crl_robot.nodes.messages import LATCHED_QOS
from crl_robot.urdf import urdf_from_model


def publish_description(node: Node, model: ArmModel) -> None:
    """Publish the URDF of ``model``, latched; an arm whose model cannot be described runs without one."""
    try:
        description = urdf_from_model(model)
    except ConfigError as error:
        node.get_logger().warning(f"no robot_description: {error}")
        return
    node.create_publisher(String, "robot_description", LATCHED_QOS).publish(String(data=description))
