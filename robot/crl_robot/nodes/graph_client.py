"""A node in this process that talks to a graph of others; it works on the caller's thread, while that waits."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, ClassVar, Self

import rclpy
from rclpy.client import Client
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from std_srvs.srv import Trigger

from crl_robot.graph import GraphError

SPIN_S = 0.05
PATIENCE_S = 10.0
"""What may come later than asked for before a wait gives up."""


class GraphClient:
    """A context manager around one node of the graph, and the base of those who ask and listen.

    Args:
        name: of the node.
        env: what this process must add to its environment to join the graph; undone at the end.
        check: raises when a process of the graph has ended.
    """

    check_every_s: ClassVar[float] = 0.0
    """How often a wait looks whether the processes live; 0 after each message."""
    answer_s: ClassVar[float] = PATIENCE_S
    """How long a service may take to answer."""

    def __init__(self, name: str, env: Mapping[str, str], check: Callable[[], None]) -> None:
        self._check = check
        self._environment_before = {key: os.environ.get(key) for key in env}
        os.environ.update(env)
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        self.node = rclpy.create_node(name)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown()
        for key, value in self._environment_before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value

    def now_ns(self) -> int:
        """Time on the clock of the stamps."""
        return self.node.get_clock().now().nanoseconds

    def wait(self, until: Callable[[], bool], timeout_s: float, what: str | Callable[[], str]) -> None:
        """Take in messages until ``until()``. Raises GraphError after ``timeout_s`` or when a process has ended.

        Args:
            what: is waited for, in words.
        """
        deadline = time.monotonic() + timeout_s
        check_at = 0.0
        while not until():
            now = time.monotonic()
            if now > check_at:
                self._check()
                check_at = now + self.check_every_s
            if now > deadline:
                words = what() if callable(what) else what
                raise GraphError(f"no {words} within {timeout_s:.0f} s; see the logs of the nodes")
            self._executor.spin_once(timeout_sec=SPIN_S)

    def wait_for(self, seconds: float) -> None:
        """Take in messages for that long. Raises GraphError when a process has ended."""
        end = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() >= end, seconds + PATIENCE_S, "end of the wait")

    def call(self, client: Client, request: Any, again_s: float = math.inf) -> Any:
        """Call a service and wait for its answer. Raises GraphError when none comes.

        Args:
            again_s: ask again after each such silence. While client and service are still finding each other an answer
                may be lost although the request was heard (rmw_fastrtps issue 842).
        """
        asked = [client.call_async(request)]
        ask_at = time.monotonic() + again_s

        def answered() -> bool:
            nonlocal ask_at
            if time.monotonic() > ask_at:
                asked.append(client.call_async(request))
                ask_at = time.monotonic() + again_s
            return any(future.done() for future in asked)

        self.wait(answered, self.answer_s, f"answer from {client.srv_name}")
        return next(future.result() for future in asked if future.done())

    def succeed(self, client: Client, request: Any = None) -> str:
        """Call a Trigger or SetBool service; returns its message. Raises GraphError when it says no."""
        answer = self.call(client, request or Trigger.Request())
        if not answer.success:
            raise GraphError(f"{client.srv_name} refused: {answer.message}")
        return answer.message
