"""Asks a recorder node for what the bench needs, and keeps what it tells of itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from std_msgs.msg import String
from std_srvs.srv import Trigger

from crl_robot.nodes.graph_client import GraphClient
from crl_robot.nodes.messages import LATCHED_QOS

READY_S = 60.0


class RecordClient(GraphClient):
    """A context manager around one node of the graph.

    Args:
        env: what this process must add to its environment to join the graph; undone at the end.
        check: raises when a process of the graph has ended.
    """

    answer_s = 300.0
    """An episode of minutes is synced to the disk before the answer comes."""

    def __init__(self, env: Mapping[str, str], check: Callable[[], None]) -> None:
        super().__init__("record_bench", env, check)
        self.status: dict[str, Any] = {}
        self.node.create_subscription(String, "recorder/status", self._on_status, LATCHED_QOS)
        names = ("start", "stop", "accept")
        self._services = {name: self.node.create_client(Trigger, f"recorder/{name}") for name in names}

    def wait_until_ready(self) -> None:
        """Until the recorder has everything that an episode needs."""
        self.wait(lambda: all(s.service_is_ready() for s in self._services.values()), READY_S, "recorder")
        self.wait(lambda: self.status.get("waiting_for") == "", READY_S, "recorder that has all streams")

    def ask(self, name: str) -> str:
        """Call a service; returns its answer. Raises GraphError when it refuses."""
        return self.succeed(self._services[name])

    def _on_status(self, msg: String) -> None:
        self.status = json.loads(msg.data)
