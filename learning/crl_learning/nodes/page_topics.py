"""What the page listens to: statuses and progress always, pictures only while a browser watches."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from sensor_msgs.msg import Image
from std_msgs.msg import Float64MultiArray, String

from crl_learning.page.board import Board, Source
from crl_learning.page.reading import facts_of
from crl_robot.errors import ContractError
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.images import frame_from_any_image
from crl_robot.nodes.messages import LATCHED_QOS, STATE_QOS

# The newest picture is the only one worth showing.
_LIVE_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
_STATUSES: dict[str, Source] = {
    "arm/status": "arm",
    "policy/status": "policy",
    "run/status": "run",
    "recorder/status": "recorder",
}
WATCH_PERIOD_S = 0.25
FIND_PERIOD_S = 2.0
RAW = "/image_raw"
IMAGE_TYPE = "sensor_msgs/msg/Image"


class PageTopics:
    """Feeds a `Board`.

    Args:
        rate_hz: live pictures a second at most; each is coded again, as it may be raw.
        quality: JPEG quality of the live pictures.
    """

    def __init__(self, node: CrlNode, board: Board, rate_hz: float, quality: int) -> None:
        self._node, self._board = node, board
        self._period_s, self._quality = 1.0 / rate_hz, quality
        self._shown_s: dict[str, float] = {}
        self._watched = ""
        self._pictures: list[Subscription[Image]] = []
        for topic, source in _STATUSES.items():
            node.create_subscription(String, topic, partial(self._on_status, source), LATCHED_QOS)
        node.create_subscription(String, "policy/progress", self._on_progress, STATE_QOS)
        node.create_subscription(Float64MultiArray, "policy/timing", self._on_timing, STATE_QOS)
        node.create_subscription(Image, "policy/goal_native", self._on_goal, LATCHED_QOS)
        for topic, name in {"policy/goal": "goal_seen", "policy/goal_strip": "goal_strip"}.items():
            node.create_subscription(Image, topic, partial(self._on_still, name), LATCHED_QOS)

    def watch(self, viewers: int) -> None:
        """Subscribe to the live pictures of the board's first camera while somebody watches."""
        wanted = self._board.cameras[0] if viewers and self._board.cameras else ""
        if wanted == self._watched:
            return
        for subscription in self._pictures:
            self._node.destroy_subscription(subscription)
        self._pictures, self._watched = [], wanted
        if wanted:
            topics = {f"{wanted}{RAW}": "live", "policy/view": "view_seen"}
            self._pictures = [
                self._node.create_subscription(Image, topic, partial(self._on_live, name), _LIVE_QOS)
                for topic, name in topics.items()
            ]

    def find_cameras(self) -> None:
        """Tell the board who publishes images as <camera>/image_raw in this namespace."""
        place = self._node.get_namespace().rstrip("/") + "/"
        names = [name for name, kinds in self._node.get_topic_names_and_types() if IMAGE_TYPE in kinds]
        inside = [name.removeprefix(place) for name in names if name.startswith(place)]
        cameras = {name.removesuffix(RAW) for name in inside if name.endswith(RAW)}
        self._board.found_cameras([name for name in cameras if "/" not in name])

    def _on_status(self, source: Source, msg: String) -> None:
        self._hear(source, msg)

    def _on_progress(self, msg: String) -> None:
        facts = self._hear("progress", msg)
        steps = facts.get("steps") or {}
        values = (steps.get("expected"), steps.get("low"), steps.get("high"))
        if facts:
            self._board.sample("progress", *values, float(bool(facts.get("reached"))), facts.get("estimate"))

    def _on_timing(self, msg: Float64MultiArray) -> None:
        self._board.sample("timing", *msg.data[:3])

    def _on_live(self, name: str, msg: Image) -> None:
        now_s = time.monotonic()
        if now_s - self._shown_s.get(name, 0.0) < self._period_s:
            return
        self._shown_s[name] = now_s
        image = self._image(msg)
        if image is not None:
            self._board.show(name, encode_jpeg(image, self._quality))

    def _on_still(self, name: str, msg: Image) -> None:
        image = self._image(msg)
        if image is not None:
            self._board.show(name, encode_jpeg(image, 95))

    def _on_goal(self, msg: Image) -> None:
        image = self._image(msg)
        if image is None:
            return
        self._board.take_goal(image)
        self._board.show("goal", encode_jpeg(image, 95))

    def _image(self, msg: Image) -> NDArray[np.uint8] | None:
        try:
            return frame_from_any_image(msg, self._node.now_ns()).image
        except ContractError as error:
            self._node.get_logger().warning(f"not shown: {error}", throttle_duration_sec=5.0)
            return None

    def _hear(self, source: Source, msg: String) -> dict[str, Any]:
        """What a message says; nothing where it is garbled, which must not end the page."""
        try:
            facts = facts_of(msg.data)
            self._board.hear(source, facts)
        except (ContractError, TypeError, AttributeError, ValueError) as error:
            self._node.get_logger().warning(f"{source}: not understood: {error}", throttle_duration_sec=5.0)
            return {}
        return facts


def encode_jpeg(image: NDArray[np.uint8], quality: int) -> bytes:
    """uint8 (H, W, 3) RGB as a JPEG file of ``quality`` 1 to 100."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
