"""Velocities with a gripper opening, which an arm takes besides Actions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from geometry_msgs.msg import TwistStamped
from rclpy.qos import QoSProfile, ReliabilityPolicy
from std_msgs.msg import Float64

from crl_robot.contracts import Action, ActionSpec
from crl_robot.control.controller import ArmController
from crl_robot.errors import ArmError, ContractError, CrlError
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.publishers import source_of
from crl_robot.nodes.twist import TwistCommands, stamp_from_msg, velocity_from_msg

# Best effort matches every publisher; of a stream of commands only the newest counts.
STREAM_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)

TWIST_SOURCE = "twist"
"""One source to the controller, with its gripper; who of several sends twists is settled here."""


class TwistTopics:
    """arm/twist and arm/gripper; `drive` is called once an inner tick, under ``lock``."""

    def __init__(
        self, node: CrlNode, lock: threading.RLock, controller: ArmController, spec: ActionSpec, inner_rate_hz: float
    ) -> None:
        self._node, self._lock, self._controller = node, lock, controller
        self._commands = TwistCommands(spec, round(0.5e9 / inner_rate_hz))
        self._entities = [
            node.create_subscription(TwistStamped, "arm/twist", self._on_twist, STREAM_QOS),
            node.create_subscription(Float64, "arm/gripper", self._on_gripper, STREAM_QOS),
        ]

    def drive(self, gripper: float, submit: Callable[[Action, str], bool]) -> None:
        """Submit the Action that is due, and hold when the twists have ended; ``gripper`` is commanded so far."""
        now_ns = time.monotonic_ns()
        if reason := self._commands.ended(now_ns):
            self._controller.hold(reason, "silence")
        action = self._commands.due(gripper, now_ns)
        if action is not None and not submit(action, TWIST_SOURCE):
            self._commands.refused()

    def _on_twist(self, msg: TwistStamped, info: Any) -> None:
        with self._lock, self._refusing():
            stamp_ns = stamp_from_msg(msg, self._node.now_ns())
            velocity = velocity_from_msg(msg)
            self._commands.take(velocity, source_of("twist", info), stamp_ns, time.monotonic_ns())

    def _on_gripper(self, msg: Float64) -> None:
        with self._lock, self._refusing():
            self._commands.take_gripper(msg.data, self._node.now_ns())

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Count and tell what is refused; what nobody can carry out makes the arm hold."""
        try:
            yield
        except ContractError as error:
            self._commands.drop()  # or the twist before it would move the arm on until it is 0.1 s old
            self._controller.hold(str(error), "bad_action")
            self._warn(error)
        except ArmError as error:
            self._controller.events["second_source"] += 1
            self._warn(error)

    def _warn(self, error: CrlError) -> None:
        self._node.get_logger().warning(f"twist refused: {error}", throttle_duration_sec=1.0)
