"""Asks a recorder node for what the bench needs, and keeps what it tells of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from std_srvs.srv import Trigger

from crl_data.recording.recorder import RECORDING_ALREADY
from crl_robot.nodes.graph_client import GraphClient

READY_S = 60.0
AGAIN_S = 5.0
"""A recorder that has just come up may have heard the request and its answer got lost."""


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
        names = ("start", "stop", "accept")
        self._services = {name: self.node.create_client(Trigger, f"recorder/{name}") for name in names}

    def wait_until_ready(self) -> None:
        """Until the recorder serves."""
        self.wait(lambda: all(s.service_is_ready() for s in self._services.values()), READY_S, "recorder")

    def start(self) -> None:
        """Begin an episode. A busy machine may hold up one stream for a moment; the recorder then says no, for now."""
        answers = [""]

        def begun() -> bool:
            answer = self.call(self._services["start"], Trigger.Request(), AGAIN_S)
            answers.append(answer.message)
            return bool(answer.success) or RECORDING_ALREADY in answer.message

        self.wait(begun, READY_S, lambda: f"recorder that starts, the last answer was '{answers[-1]}',")

    def ask(self, name: str) -> str:
        """Call a service; returns its answer. Raises GraphError when it refuses."""
        return self.succeed(self._services[name])
