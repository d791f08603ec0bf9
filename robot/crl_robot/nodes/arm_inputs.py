"""What an arm listens to besides Actions: velocities with a gripper, the operator's dead-man, and an e-stop topic."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from geometry_msgs.msg import TwistStamped
from rclpy.qos import QoSProfile, ReliabilityPolicy
from std_msgs.msg import Bool, Float64

from crl_robot.contracts import Action, ActionSpec
from crl_robot.control.controller import ArmController
from crl_robot.errors import ArmError, ContractError, CrlError
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.messages import LATCHED_QOS
from crl_robot.nodes.observation_topics import numbering
from crl_robot.nodes.twist import TwistCommands, stamp_from_msg, velocity_from_msg

# Best effort matches every publisher; of a stream of commands only the newest counts.
STREAM_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)

TWIST_SOURCE = "twist"
"""One source to the controller, with its gripper; who of several sends twists is settled here."""


def source_of(frame_id: str, info: Any) -> str:
    """Name of a command source: its frame, and its publisher where the middleware tells that."""
    _, publisher = numbering(info)
    return f"{frame_id}/{bytes(publisher).hex() if publisher is not None else ''}"


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
        with self._lock:
            try:
                stamp_ns = stamp_from_msg(msg, self._now_ns())
                velocity = velocity_from_msg(msg)
                self._commands.take(velocity, source_of("twist", info), stamp_ns, time.monotonic_ns())
            except ContractError as error:
                self._controller.hold(str(error), "bad_action")
                self._warn(error)
            except ArmError as error:
                self._controller.events["second_source"] += 1
                self._warn(error)

    def _on_gripper(self, msg: Float64) -> None:
        with self._lock:
            try:
                self._commands.take_gripper(msg.data, self._now_ns())
            except ContractError as error:
                self._controller.hold(str(error), "bad_action")
                self._warn(error)

    def _warn(self, error: CrlError) -> None:
        self._node.get_logger().warning(f"twist refused: {error}", throttle_duration_sec=1.0)

    def _now_ns(self) -> int:
        return self._node.get_clock().now().nanoseconds


class OperatorTopics:
    """arm/deadman and arm/estop_input. ``pressed`` is the last word of the e-stop topic; it latches the e-stop."""

    def __init__(
        self, node: CrlNode, lock: threading.RLock, controller: ArmController, on_estop: Callable[[], None]
    ) -> None:
        self._node, self._lock, self._controller, self._on_estopped = node, lock, controller, on_estop
        self.pressed = False
        self._entities = [
            node.create_subscription(Bool, "arm/deadman", self._on_deadman, STREAM_QOS),
            node.create_subscription(Bool, "arm/estop_input", self._on_estop, LATCHED_QOS),
        ]

    def refuse_pressed(self) -> None:
        """Raise ArmError while the e-stop topic says that the e-stop is pressed."""
        if self.pressed:
            raise ArmError("arm/estop_input still says true; release that e-stop, which publishes false, then reset")

    def _on_deadman(self, msg: Bool) -> None:
        with self._lock:
            self._controller.deadman(msg.data, self._node.get_clock().now().nanoseconds)

    def _on_estop(self, msg: Bool) -> None:
        with self._lock:
            self.pressed = msg.data
            if not msg.data or self._controller.mode == "estopped":
                return
            self._controller.estop("arm/estop_input says true")
        self._on_estopped()
