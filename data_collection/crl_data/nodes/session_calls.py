"""How the session asks the other nodes: one service at a time, answered later, never waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rclpy.parameter import Parameter
from rclpy.parameter_client import AsyncParameterClient
from rclpy.task import Future
from std_srvs.srv import SetBool, Trigger

from crl_data.teleop.session_settings import Call, Reset
from crl_robot.nodes.common import CrlNode

RECORDER_CALLS = ("start", "stop", "accept", "discard", "mark_success", "capture_goal")
DISCOVERY_S = 5.0
"""Services are found a little later than topics of the same node."""
Answer = Callable[[Call, bool, str], None]


class SessionCalls:
    """Clients of recorder, simulation and arm. Everything happens on the executor's thread.

    Args:
        answer: told how each call ended; silence for ``timeout_s`` counts as a refusal.
    """

    def __init__(self, node: CrlNode, reset: Reset, timeout_s: float, answer: Answer) -> None:
        self._node, self._timeout_s, self._answer = node, timeout_s, answer
        self._running: tuple[Call, float] | None = None
        self._unsent: int | None = None
        self._clients: dict[str, Any] = {
            name: node.create_client(SetBool if name == "mark_success" else Trigger, f"recorder/{name}")
            for name in RECORDER_CALLS
        }
        self._parameters: AsyncParameterClient | None = None
        if reset != "none":
            self._clients["reset"] = node.create_client(Trigger, "sim/reset" if reset == "sim" else "arm/home")
        if reset == "sim":
            self._parameters = AsyncParameterClient(node, "sim")

    def ask(self, call: Call, seed: int) -> None:
        """Send a call as soon as its service is found; ``seed`` draws the scene of a simulated reset."""
        self._running, self._unsent = (call, time.monotonic()), seed
        self.check()

    def check(self) -> None:
        """Send a call that waits for its service, and give up on one that nobody answers."""
        if self._running is None:
            return
        call, since_s = self._running
        waited_s = time.monotonic() - since_s
        name = self._node.resolve_service_name(self._clients[call.name].srv_name)
        if self._unsent is not None and self._found(call):
            seed, self._unsent = self._unsent, None
            self._begin(call, seed)
        elif self._unsent is not None and waited_s > DISCOVERY_S:
            self._end(call, False, f"{name} does not answer; is its node running?")
        elif waited_s > self._timeout_s:
            self._end(call, False, f"{name} gave no answer in {self._timeout_s:g} s")

    def _found(self, call: Call) -> bool:
        parameters = self._parameters if call.name == "reset" else None
        return self._clients[call.name].service_is_ready() and (parameters is None or parameters.services_are_ready())

    def _begin(self, call: Call, seed: int) -> None:
        if call.name == "reset" and self._parameters is not None:
            future = self._parameters.set_parameters([Parameter("episode_seed", value=seed)])
            future.add_done_callback(lambda done: self._on_seed(call, done))
        else:
            self._send(call)

    def _on_seed(self, call: Call, future: Future) -> None:
        answer: Any = future.result()
        refused = [result.reason for result in answer.results if not result.successful]
        if refused:
            self._end(call, False, f"the simulation refused its seed: {'; '.join(refused)}")
        else:
            self._send(call)

    def _send(self, call: Call) -> None:
        request = SetBool.Request(data=bool(call.value)) if call.name == "mark_success" else Trigger.Request()
        future = self._clients[call.name].call_async(request)
        future.add_done_callback(lambda done: self._on_answer(call, done))

    def _on_answer(self, call: Call, future: Future) -> None:
        response: Any = future.result()
        self._end(call, response.success, response.message)

    def _end(self, call: Call, success: bool, message: str) -> None:
        """Tell the answer once; one that comes after it was given up on is not told."""
        if self._running is not None and self._running[0] is call:
            self._running = self._unsent = None
            self._answer(call, success, message)
