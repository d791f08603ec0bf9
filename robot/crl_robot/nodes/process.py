"""The life of a node process: signals, exit codes and the executor. Imports nothing slow.

Every way out ends with the node closed, which makes an arm hold. SIGINT and SIGTERM leave with code 0 at any moment,
also while the slow imports run; a setting or file that cannot be used gives code 2, any other failure code 1.
"""

from __future__ import annotations

import importlib
import itertools
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from crl_robot.errors import ConfigError, CrlError
from crl_robot.nodes.transport import own_place

if TYPE_CHECKING:
    from crl_robot.nodes.common import CrlNode

logger = logging.getLogger(__name__)

SPIN_TIMEOUT_S = 0.1


class Stop:
    """Whether the process was asked to end. A plain flag: an Event's lock could be held when a signal arrives."""

    def __init__(self) -> None:
        self.requested = False
        self._running = False

    def install(self) -> None:
        """Take SIGINT and SIGTERM."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def running(self) -> None:
        """From now on there are things to close: a signal is only noted."""
        self._running = True

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if not self._running:
            os._exit(0)  # nothing was opened yet, and raising inside an import would end with a traceback
        self.requested = True


def run_node(target: str, shared_memory: bool = True) -> int:
    """Run the node class 'package.module:Class' until a signal or a failure; returns the exit code.

    ``shared_memory=False`` is for a node that must never wait for another process; its messages are small.
    """
    stop = Stop()
    stop.install()
    logging.basicConfig(format="[%(levelname)s] [%(name)s]: %(message)s")
    module, _, name = target.partition(":")
    node_class = getattr(importlib.import_module(module), name)
    import rclpy

    stop.running()
    try:
        init_ros(sys.argv)
    except ConfigError as error:
        logger.error("%s", error)
        return 2
    try:
        return _run(node_class, stop, shared_memory)
    finally:
        rclpy.try_shutdown()


def init_ros(arguments: list[str]) -> None:
    """Start ROS with the arguments of a command line. Raises ConfigError where ROS cannot use them."""
    import rclpy
    from rclpy.impl.logging_severity import LoggingSeverity
    from rclpy.logging import set_logger_level
    from rclpy.signals import SignalHandlerOptions

    for file in _parameter_files(arguments):
        _require_readable(file)
    set_logger_level("rcl", LoggingSeverity.FATAL)  # it would say beforehand only that it failed
    try:
        # rclpy's own handlers would invalidate the context before the arm was told to hold.
        rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:
        reason = str(error).removeprefix("failed to initialize rcl: ").partition(", at /")[0]
        raise ConfigError(
            f"ROS cannot use these arguments: {reason}; compare with the files in configs/ros/"
        ) from error
    finally:
        set_logger_level("rcl", LoggingSeverity.UNSET)


def _parameter_files(arguments: list[str]) -> list[str]:
    return [file for flag, file in itertools.pairwise(arguments) if flag == "--params-file"]


def _require_readable(file: str) -> None:
    try:
        with Path(file).open("rb"):
            pass
    except OSError as error:
        raise ConfigError(
            f"--params-file {file} cannot be read: {error.strerror}; name a YAML file such as those in configs/ros/"
        ) from error


def _run(node_class: Callable[[], CrlNode], stop: Stop, shared_memory: bool) -> int:
    from rclpy.executors import SingleThreadedExecutor

    node: CrlNode | None = None
    executor = SingleThreadedExecutor()
    try:
        with own_place(shared_memory):  # the first node of a process is what joins the domain
            node = node_class()
        node.stopping = lambda: stop.requested
        executor.add_node(node)
        node.autostart()
        while not (stop.requested or node.finished) and node.failure is None:
            executor.spin_once(timeout_sec=SPIN_TIMEOUT_S)
        if node.failure is not None:
            raise node.failure
        return 0
    except CrlError as error:
        if stop.requested and node is not None and node.failure is None:
            return 0  # a step that waited gave up because of the signal
        if node is None or error is not node.logged:
            logger.error("%s", error)
        return 2 if node is None or node.failure is None else 1
    finally:
        if node is not None:
            node.leave()
        executor.shutdown()
        if node is not None:
            node.destroy_node()
