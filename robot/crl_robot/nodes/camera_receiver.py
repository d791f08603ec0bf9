"""Another process's view of cameras, for the bench: when each frame arrived, and what the cameras say of themselves."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from sensor_msgs.msg import CompressedImage, Image

from crl_robot.nodes.graph_client import GraphClient
from crl_robot.nodes.images import frame_from_compressed
from crl_robot.nodes.messages import IMAGE_QOS, frame_from_msg, ns_from_time
from crl_robot.nodes.observation_topics import MessageInfo, numbering
from crl_robot.sequence import SequenceTracker

READY_S = 60.0
WARM_UP = 30
"""Frames; they are not what is measured."""


@dataclass
class Arrivals:
    """Of one camera: stamps, latencies from stamp to callback and the times to make an image of the message, in ns."""

    stamp_ns: list[int] = field(default_factory=list)
    latency_ns: list[int] = field(default_factory=list)
    decode_ns: list[int] = field(default_factory=list)
    bytes: int = 0
    numbers: SequenceTracker = field(default_factory=SequenceTracker)


class CameraReceiver(GraphClient):
    """Subscribes to the raw or the compressed images of the cameras; a context manager.

    Args:
        cameras: their names.
        compressed: which of the two topics.
        env: what this process must add to its environment to join the graph; undone at the end.
        check: raises when a process of the graph has ended.
    """

    def __init__(
        self, cameras: Sequence[str], compressed: bool, env: Mapping[str, str], check: Callable[[], None]
    ) -> None:
        super().__init__("camera_bench", env, check)
        self.arrivals = {name: Arrivals() for name in cameras}
        self.diagnostics: dict[str, dict[str, str]] = {}
        """Newest values of each node, by the last part of its name."""
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        kind, topic = (CompressedImage, "image_raw/compressed") if compressed else (Image, "image_raw")
        for name in cameras:
            self.node.create_subscription(kind, f"{name}/{topic}", partial(self._on_image, name), IMAGE_QOS)

    def wait_until_ready(self) -> None:
        """Until so many frames of each camera are here that discovery is over. Raises GraphError."""
        found = self.arrivals.values()
        self.wait(lambda: all(len(a.stamp_ns) >= WARM_UP for a in found), READY_S, "frames of each camera")

    def forget(self) -> None:
        """Begin to count anew."""
        self.arrivals = {name: Arrivals() for name in self.arrivals}

    def _on_image(self, camera: str, msg: Any, info: MessageInfo) -> None:
        now_ns = time.time_ns()
        arrivals, stamp_ns = self.arrivals[camera], ns_from_time(msg.header.stamp)
        arrivals.stamp_ns.append(stamp_ns)
        arrivals.latency_ns.append(now_ns - stamp_ns)
        arrivals.numbers.update(*numbering(info))
        arrivals.bytes += len(msg.data)
        begin = time.perf_counter_ns()
        _ = frame_from_msg(msg, now_ns) if isinstance(msg, Image) else frame_from_compressed(msg, now_ns)
        arrivals.decode_ns.append(time.perf_counter_ns() - begin)

    def _on_diagnostics(self, msg: DiagnosticArray) -> None:
        for status in msg.status:
            values = {entry.key: entry.value for entry in status.values}
            self.diagnostics[status.name.rpartition("/")[2]] = values
