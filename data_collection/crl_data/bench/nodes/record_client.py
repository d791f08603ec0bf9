"""Asks a recorder node for what the bench needs, and keeps what it tells of itself."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from std_msgs.msg import String
from std_srvs.srv import Trigger

from crl_robot.graph import GraphError
from crl_robot.nodes.messages import LATCHED_QOS

READY_S = 60.0
ANSWER_S = 300.0
"""An episode of minutes is synced to the disk before the answer comes."""


class RecordClient:
    """A context manager around one node of the graph.

    Args:
        env: what this process must add to its environment to join the graph; undone at the end.
        check: raises when a process of the graph has ended.
    """

    def __init__(self, env: Mapping[str, str], check: Callable[[], None]) -> None:
        self._check = check
        self._before = {name: os.environ.get(name) for name in env}
        os.environ.update(env)
        self.status: dict[str, Any] = {}
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node("record_bench")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._node.create_subscription(String, "/recorder/status", self._on_status, LATCHED_QOS)
        names = ("start", "stop", "accept")
        self._services = {name: self._node.create_client(Trigger, f"/recorder/{name}") for name in names}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.try_shutdown()
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    def wait(self, until: Callable[[], bool], timeout_s: float, what: str) -> None:
        """Take in messages until ``until()``. Raises GraphError after ``timeout_s`` or when a process has ended."""
        end = time.monotonic() + timeout_s
        while not until():
            self._check()
            if time.monotonic() > end:
                raise GraphError(f"no {what} within {timeout_s:.0f} s; see the logs of the nodes")
            self._executor.spin_once(timeout_sec=0.1)

    def wait_until_ready(self) -> None:
        """Until the recorder has everything that an episode needs."""
        self.wait(lambda: all(s.service_is_ready() for s in self._services.values()), READY_S, "recorder")
        self.wait(lambda: self.status.get("waiting_for") == "", READY_S, "recorder that has all streams")

    def ask(self, name: str) -> str:
        """Call a service; returns its answer. Raises GraphError when it refuses."""
        future = self._services[name].call_async(Trigger.Request())
        self.wait(future.done, ANSWER_S, f"answer of /recorder/{name}")
        answer = future.result()
        if answer is None or not answer.success:
            raise GraphError(f"/recorder/{name} refused: {answer.message if answer else 'no answer'}")
        return answer.message

    def _on_status(self, msg: String) -> None:
        self.status = json.loads(msg.data)
