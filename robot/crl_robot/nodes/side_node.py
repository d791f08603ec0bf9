"""A node beside another one, spun by a thread of its own: its messages come while the other's executor waits."""

from __future__ import annotations

import threading
from contextlib import suppress

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node

_SPIN_S = 0.1


class SideNode:
    """``node`` lives in the parent's namespace and context, takes none of its remaps, and spins until `close`."""

    def __init__(self, parent: Node, suffix: str) -> None:
        context = parent.context
        self.node = rclpy.create_node(
            f"{parent.get_name()}_{suffix}",
            context=context,
            namespace=parent.get_namespace(),
            use_global_arguments=False,
            enable_rosout=False,
            start_parameter_services=False,
        )
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.node)
        self._stopping = False
        self._thread = threading.Thread(target=self._spin, name=self.node.get_name(), daemon=True)

    def start(self) -> None:
        """Begin to deliver messages."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether messages are delivered."""
        return self._thread.is_alive() and self.node.context.ok()

    def close(self) -> None:
        """End the thread and the node; once."""
        self._stopping = True
        self._executor.wake()
        if self._thread.is_alive():
            self._thread.join()
        self._executor.shutdown()
        self.node.destroy_node()

    def _spin(self) -> None:
        with suppress(ExternalShutdownException):
            while not self._stopping and self.node.context.ok():
                self._executor.spin_once(timeout_sec=_SPIN_S)
