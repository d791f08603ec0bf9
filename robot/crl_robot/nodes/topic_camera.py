"""A camera that is another node's image topic, raw or compressed, of any usual encoding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from crl_robot.cameras.device import CameraHealth
from crl_robot.cameras.live import MAX_AGE_S
from crl_robot.cameras.newest import NewestFrame
from crl_robot.contracts import Frame
from crl_robot.errors import CameraError, ConfigError, ContractError
from crl_robot.nodes.images import frame_from_any_image, frame_from_compressed
from crl_robot.nodes.messages import IMAGE_QOS
from crl_robot.nodes.observation_topics import numbering
from crl_robot.sequence import SequenceTracker

TYPES = ("auto", "raw", "compressed")


class TopicCamera:
    """A `Camera` over a subscription; stamps are those of the messages' headers. The caller spins the node.

    Args:
        topic: where the images come from.
        size: native (width, height); a message of another one is refused.
        topic_type: 'raw', 'compressed', or 'auto': compressed where the topic's name ends with /compressed.
        max_age_s: how long after its arrival a frame still counts as the newest.
        notify: told once of each way in which messages are refused.
    """

    def __init__(
        self,
        node: Node,
        name: str,
        topic: str,
        size: tuple[int, int],
        topic_type: str = "auto",
        max_age_s: float = MAX_AGE_S,
        notify: Callable[[str], object] | None = None,
    ) -> None:
        if topic_type not in TYPES or not topic:
            raise ConfigError(f"topic {topic!r} of type {topic_type!r}: expected a name, and a type of {TYPES}")
        self._name, self._size, self._topic, self._node = name, size, topic, node
        self._notify = notify or node.get_logger().warning
        self._newest = NewestFrame(name, max_age_s)
        self._newest.lose(f"has got no image from {topic} yet")
        self._arrivals = SequenceTracker()
        self._refused = self._unordered = 0
        self._last: Frame | None = None
        self._refusal = ""
        compressed = topic.endswith("/compressed") if topic_type == "auto" else topic_type == "compressed"
        kind, convert = (CompressedImage, frame_from_compressed) if compressed else (Image, frame_from_any_image)
        self._subscription = node.create_subscription(kind, topic, partial(self._on_image, convert), IMAGE_QOS)

    @property
    def name(self) -> str:
        return self._name

    @property
    def size(self) -> tuple[int, int]:
        """Native (width, height) in pixels."""
        return self._size

    @property
    def stamp_source(self) -> str:
        """Where the stamps of the frames come from."""
        return f"headers of {self._topic}"

    def read(self) -> Frame:
        """The newest frame. Raises CameraError while there is none."""
        return self._newest.read()

    def wait_next(self, after: int, timeout_s: float) -> tuple[int, Frame] | None:
        """Number and frame of the newest once its number is above ``after``; None when none comes in time."""
        return self._newest.wait_next(after, timeout_s)

    def health(self) -> CameraHealth:
        """The counts so far; ``damaged`` are messages that were refused."""
        reason = ""
        try:
            self._newest.read()
        except CameraError as error:
            reason = str(error)
        return CameraHealth(
            connected=not reason,
            reason=reason,
            stamp_source=self.stamp_source,
            remarks=(self._refusal,) if self._refusal else (),
            captured=self._newest.number,
            damaged=self._refused,
            unordered=self._unordered,
            lost=self._arrivals.lost,
            reconnects=0,
        )

    def close(self) -> None:
        """End the subscription; may be called again."""
        self._node.destroy_subscription(self._subscription)
        self._newest.lose("is closed")

    def _on_image(self, convert: Callable[[Any, int], Frame], msg: Any, info: Mapping[str, Any]) -> None:
        self._arrivals.update(*numbering(info))
        try:
            frame = convert(msg, self._node.get_clock().now().nanoseconds)
            self._require_size(frame)
        except ContractError as error:
            self._refuse(str(error))
            return
        last = self._last
        if last and frame.stamp_ns <= last.stamp_ns and frame.receive_stamp_ns >= last.receive_stamp_ns:
            self._unordered += 1
            return
        self._last, self._refusal = frame, ""
        self._newest.put(frame)

    def _require_size(self, frame: Frame) -> None:
        height, width, _ = frame.image.shape
        if (width, height) != self._size:
            raise ContractError(
                f"image has {width}x{height} pixels, expected the native size {self._size[0]}x{self._size[1]}; set the "
                "source or the parameters 'width' and 'height'"
            )

    def _refuse(self, reason: str) -> None:
        self._refused += 1
        if reason != self._refusal:
            self._notify(f"{self._topic}: {reason}")
        self._refusal = reason
        self._newest.lose(f"gets unusable images: {reason}")
