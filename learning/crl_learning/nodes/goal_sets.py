"""Goals of several cameras by topic: a picture of each, on a topic of its own, taken together when all have come.

A picture is kept as it came until its goal is whole; then all of them are decoded at once, beside the executor's
thread. So no more than one picture of each camera waits, whatever is sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from sensor_msgs.msg import CompressedImage, Image

from crl_learning.goals.collecting import GoalCollector
from crl_learning.goals.reading import joined_goal
from crl_learning.goals.topics import COMPRESSED, goal_topics, strange_cameras
from crl_learning.views import Views
from crl_robot.errors import ContractError, GoalImageError
from crl_robot.goal_image import MAX_PIXELS, GoalImage, goal_from_array, goal_from_bytes
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.images import frame_from_any_image
from crl_robot.nodes.messages import ns_from_time

POLL_S = 0.25
LISTEN_POLLS = 8
"""Polls between two looks for topics of cameras that the checkpoint does not see."""
MAX_BYTES = 4 * MAX_PIXELS
"""Of one message: the largest picture that may be a goal, in four channels."""

ReadOne = Callable[[], GoalImage]


class GoalSets:
    """Hears a goal's pictures, and hands it on when it is whole.

    Args:
        read: given what makes the whole goal, to be called on another thread.
        refused: told why a picture, or a goal that was begun, is refused.
    """

    def __init__(
        self, node: CrlNode, views: Views, read: Callable[[ReadOne], None], refused: Callable[[str], None]
    ) -> None:
        self._node, self._views, self._read, self._refused = node, views, read, refused
        self._topics = goal_topics(views.cameras)
        self._collector: GoalCollector[tuple[str, ReadOne]] = GoalCollector(views.cameras, refused)
        self._polls, self._told = 0, set[str]()
        for camera, topic in self._topics.items():
            node.create_subscription(Image, topic, partial(self._on_image, camera), 1)
            node.create_subscription(CompressedImage, topic + COMPRESSED, partial(self._on_compressed, camera), 1)
        node.create_timer(POLL_S, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def refuse_single(self, topic: str) -> None:
        """A picture of one camera came, on ``topic``."""
        self._refused(
            f"a goal on {topic} is one picture, the checkpoint sees {', '.join(self._views.cameras)}; send one on each "
            f"of {', '.join(self._topics.values())}, with the same stamp"
        )

    def forget(self) -> None:
        """Give up a goal that is not whole: there is a later one."""
        self._collector.give_up("another goal was given", time.monotonic())

    def _on_image(self, camera: str, msg: Image) -> None:
        topic, native = self._topics[camera], self._views.spec.native
        self._take(camera, topic, msg, lambda: _from_raw(msg, native, topic))

    def _on_compressed(self, camera: str, msg: CompressedImage) -> None:
        topic, native = self._topics[camera] + COMPRESSED, self._views.spec.native
        self._take(camera, topic, msg, lambda: goal_from_bytes(bytes(msg.data), native, topic))

    def _take(self, camera: str, topic: str, msg: Image | CompressedImage, make: ReadOne) -> None:
        passed_over = self._collector.passed_over
        try:
            if len(msg.data) > MAX_BYTES:
                raise GoalImageError(f"{len(msg.data)} bytes are too many, expected at most {MAX_BYTES}")
            whole = self._collector.add(camera, ns_from_time(msg.header.stamp), (topic, make), time.monotonic())
        except GoalImageError as error:
            self._refused(f"{topic}: {error}")
            return
        if self._collector.passed_over > passed_over:
            self._node.get_logger().info(
                f"{topic}: passed over, the picture of this camera and stamp was there before, or its goal was taken "
                "or given up; a goal that is sent again needs a new stamp",
                throttle_duration_sec=5.0,
            )
        if whole is not None:
            source = "+".join(topic for topic, _ in whole.values())
            self._read(lambda: joined_goal([one() for _, one in whole.values()], source, self._views))

    def _look(self) -> None:
        self._collector.look(time.monotonic())
        self._polls += 1
        if self._polls % LISTEN_POLLS == 0:
            self._warn_of_strange_cameras()

    def _warn_of_strange_cameras(self) -> None:
        """Nobody hears what is sent on a topic of another camera: say so once for each."""
        names = [name for name, _ in self._node.get_topic_names_and_types()]
        prefix = self._node.resolve_topic_name("goal")
        for topic in strange_cameras(names, prefix, self._views.cameras):
            if topic not in self._told and self._node.count_publishers(topic):
                self._told.add(topic)
                self._node.get_logger().warning(
                    f"goals on {topic} are not heard: the checkpoint sees {', '.join(self._views.cameras)}; send to "
                    f"{', '.join(self._topics.values())}"
                )


def _from_raw(msg: Image, native: tuple[int, int], topic: str) -> GoalImage:
    """Raises GoalImageError naming the topic."""
    try:
        rgb = frame_from_any_image(msg, ns_from_time(msg.header.stamp)).image
    except ContractError as error:
        raise GoalImageError(f"{topic}: {error}") from error
    return goal_from_array(rgb, native, topic)
