"""Who publishes on a topic: by name where the middleware tells it, else by how many there are.

Jazzy's rclpy does not name the publisher of a message, later ones do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from rclpy.node import Node

from crl_robot.errors import RefusedError
from crl_robot.nodes.observation_topics import numbering

_COUNTED_NS = 200_000_000


def publisher_of(info: Mapping[str, Any]) -> str:
    """Id of the publisher of a message; empty where the middleware does not tell it."""
    _, publisher = numbering(info)
    return bytes(publisher).hex() if publisher is not None else ""


def source_of(frame_id: str, info: Mapping[str, Any]) -> str:
    """Name of a command source: its frame, and its publisher where the middleware tells that."""
    return f"{frame_id}/{publisher_of(info)}"


class CommandTopic:
    """Refuses commands that cannot be told apart: of a nameless publisher while there are several on ``topic``.

    Publishers are counted at most every 0.2 s, of the monotonic clock ``now_ns``.
    """

    def __init__(self, node: Node, topic: str, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._node, self._topic, self._now_ns = node, topic, now_ns
        self._count, self._counted_ns = 0, -_COUNTED_NS

    def require_told_apart(self, info: Mapping[str, Any]) -> None:
        """Raise RefusedError of 'second_source' when the message could be of another source than the last one."""
        if publisher_of(info):
            return
        now_ns = self._now_ns()
        if now_ns - self._counted_ns >= _COUNTED_NS:
            self._count, self._counted_ns = count_publishers(self._node, self._topic), now_ns
        if self._count > 1:
            raise RefusedError(
                "second_source",
                f"{self._count} publishers are on '{self._topic}', and this version of ROS does not tell them apart; "
                "stop all but one, also those that are silent",
            )


def count_publishers(node: Node, topic: str) -> int:
    """Publishers on ``topic``, which may be relative, in the whole graph."""
    return node.count_publishers(node.resolve_topic_name(topic))
