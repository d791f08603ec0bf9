"""What an arm says over ROS, as a fault campaign keeps it: status, joint states, and what it really commands."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sensor_msgs.msg import JointState
from std_msgs.msg import String

from crl_robot.bench.judge import Published
from crl_robot.nodes.graph_client import GraphClient
from crl_robot.nodes.messages import COMMANDED_QOS, LATCHED_QOS, STATE_QOS, joints_from_msg, ns_from_time

_STAMP_SLACK_S = 0.05
"""Between asking the servos and taking the stamp the driver may be kept from the processor."""


@dataclass(frozen=True)
class Commanded:
    """What the arm says that it really does: heard at (monotonic s), the Action's stamp, its seven values."""

    at_s: float
    stamp_ns: int
    values: tuple[float, ...]


class ArmListener(GraphClient):
    """A context manager around one node that listens to the arm.

    With ``own_clock`` the arm's stamps are not the time of day: its joint states are dated by when they were heard.
    """

    def __init__(self, name: str, env: Mapping[str, str]) -> None:
        super().__init__(name, env, lambda: None)
        self.own_clock = False
        self.status: dict[str, Any] = {}
        self.commanded: deque[Commanded] = deque(maxlen=200)
        self.joints: tuple[float, ...] | None = None
        self._published: list[Published] = []
        self.node.create_subscription(String, "arm/status", self._on_status, LATCHED_QOS)
        self.node.create_subscription(JointState, "joint_states", self._on_joints, STATE_QOS)
        self.node.create_subscription(JointState, "arm/commanded", self._on_commanded, COMMANDED_QOS)

    def forget(self) -> None:
        """Forget what an arm that is gone has said."""
        self.status, self.joints = {}, None
        self.commanded.clear()

    def take_published(self) -> list[Published]:
        """The joint states heard since the last time."""
        taken, self._published = self._published, []
        return taken

    def counter(self, event: str) -> int:
        """How often arm/status counts ``event``."""
        return int(self.status.get("counters", {}).get(event, 0))

    @property
    def mode(self) -> str:
        return str(self.status.get("mode", ""))

    @property
    def reason(self) -> str:
        return str(self.status.get("reason", ""))

    def _on_status(self, msg: String) -> None:
        self.status = json.loads(msg.data)

    def _on_commanded(self, msg: JointState) -> None:
        self.commanded.append(Commanded(time.monotonic(), ns_from_time(msg.header.stamp), tuple(msg.position)))

    def _on_joints(self, msg: JointState) -> None:
        reading, now = joints_from_msg(msg), time.monotonic()
        self.joints = tuple(reading.position.tolist())
        true_s = now if self.own_clock else reading.stamp_ns / 1e9 - (time.time() - now)
        from_s, to_s = true_s - _STAMP_SLACK_S, true_s + _STAMP_SLACK_S
        if self.own_clock:
            from_s, to_s = now - 5 * _STAMP_SLACK_S, now
        self._published.append(Published(self.joints, reading.gripper, from_s, to_s))
