"""A node in this process that talks to a graph of others; it works on the caller's thread, while that waits."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import ClassVar, Self

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from crl_robot.graph import GraphError

SPIN_S = 0.05


class GraphClient:
    """A context manager around one node of the graph, and the base of those who ask and listen.

    Args:
        name: of the node.
        env: what this process must add to its environment to join the graph; undone at the end.
        check: raises when a process of the graph has ended.
    """

    check_every_s: ClassVar[float] = 0.0
    """How often a wait looks whether the processes live; 0 after each message."""

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

    def wait(self, until: Callable[[], bool], timeout_s: float, what: str) -> None:
        """Take in messages until ``until()``. Raises GraphError after ``timeout_s`` or when a process has ended."""
        deadline = time.monotonic() + timeout_s
        check_at = 0.0
        while not until():
            now = time.monotonic()
            if now > check_at:
                self._check()
                check_at = now + self.check_every_s
            if now > deadline:
                raise GraphError(f"no {what} within {timeout_s:.0f} s; see the logs of the nodes")
            self._executor.spin_once(timeout_sec=SPIN_S)
