"""Who publishes on a topic: by name where the middleware tells it, else by how many there are.

Jazzy's rclpy does not name the publisher of a message, later ones do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rclpy.node import Node

from crl_robot.nodes.observation_topics import numbering


def publisher_of(info: Mapping[str, Any]) -> str:
    """Id of the publisher of a message; empty where the middleware does not tell it."""
    _, publisher = numbering(info)
    return bytes(publisher).hex() if publisher is not None else ""


def source_of(frame_id: str, info: Mapping[str, Any]) -> str:
    """Name of a command source: what its header says, and its publisher where the middleware tells that."""
    return f"{frame_id}/{publisher_of(info)}"


def count_publishers(node: Node, topic: str) -> int:
    """Publishers on ``topic``, which may be relative, in the whole graph."""
    return node.count_publishers(node.resolve_topic_name(topic))
