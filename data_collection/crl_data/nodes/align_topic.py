"""Live pictures of a ROS topic, for `crl-data align --topic`."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import rclpy
from numpy.typing import NDArray
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import Image

from crl_robot.errors import CameraError
from crl_robot.nodes.messages import IMAGE_QOS, frame_from_msg

PATIENCE_S = 5.0
"""How long to wait for an image before giving up."""
_IMAGE_TYPE = "sensor_msgs/msg/Image"


def topic_pictures(topic: str, every_s: float) -> Iterator[NDArray[np.uint8]]:
    """The newest image uint8 (H, W, 3) RGB of a topic, every so many seconds.

    Raises:
        CameraError: nothing arrives for PATIENCE_S; names the image topics there are.
        ContractError: the images are not rgb8.
    """
    context = Context()
    rclpy.init(context=context)
    node = Node("crl_align", context=context)
    executor = SingleThreadedExecutor(context=context)
    newest: list[Image] = []

    def keep(msg: Image) -> None:
        newest[:] = [msg]

    try:
        node.create_subscription(Image, topic, keep, IMAGE_QOS)
        executor.add_node(node)
        while True:
            _wait(executor, node, topic, newest)
            yield frame_from_msg(newest.pop(), time.time_ns()).image
            until = time.monotonic() + every_s
            while (left := until - time.monotonic()) > 0:
                executor.spin_once(timeout_sec=left)
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown(context=context)


def _wait(executor: SingleThreadedExecutor, node: Node, topic: str, newest: list[Image]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not newest:
        if time.monotonic() > until:
            known = [name for name, types in node.get_topic_names_and_types() if _IMAGE_TYPE in types and name != topic]
            raise CameraError(
                f"no image on {topic} within {PATIENCE_S:g} s; is the camera's node running? "
                f"Other image topics: {', '.join(known) or 'none'}"
            )
        executor.spin_once(timeout_sec=0.1)
