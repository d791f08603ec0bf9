"""Sends goals to a policy node: one picture, or of several cameras a picture on a topic of each, with one stamp."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.publisher import Publisher
from sensor_msgs.msg import Image

from crl_learning.goals.topics import goal_topics
from crl_robot.errors import ContractError
from crl_robot.nodes.messages import msg_from_image


class GoalSender:
    """Publishers of goals; it has none before it knows whom it sends to.

    Attributes:
        cameras: those that the policy sees, in its order.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self.cameras: tuple[str, ...] = ()
        self._publishers: list[Publisher[Image]] = []

    def know(self, cameras: Sequence[str]) -> None:
        """Make the publishers for a policy that says to see ``cameras``, the first time that it says so."""
        if not self.cameras:
            self.cameras = tuple(cameras)
            self._publishers = [self._node.create_publisher(Image, name, 1) for name in goal_topics(cameras).values()]

    @property
    def heard(self) -> bool:
        """Whether somebody listens to each topic."""
        return bool(self.cameras) and all(publisher.get_subscription_count() for publisher in self._publishers)

    def send(self, image: NDArray[np.uint8], stamp_ns: int) -> None:
        """Publish a goal uint8 (H, W, 3 * cameras). Raises ContractError when it has another number of channels."""
        if image.shape[-1] != 3 * len(self.cameras):
            raise ContractError(
                f"got a goal of {image.shape[-1]} channels, expected 3 for each camera that the policy sees "
                f"({', '.join(self.cameras) or 'it was not heard yet'}); put their pictures side by side"
            )
        for number, publisher in enumerate(self._publishers):
            publisher.publish(msg_from_image(image[..., 3 * number : 3 * number + 3], stamp_ns, "goal"))
