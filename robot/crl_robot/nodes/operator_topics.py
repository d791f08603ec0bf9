"""What an operator tells an arm without a service: the dead-man switch, and the panels of the e-stop topic."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from std_msgs.msg import Bool

from crl_robot.control.controller import ArmController
from crl_robot.errors import ArmError
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.publishers import count_publishers, publisher_of

ESTOP_TOPIC = "arm/estop_input"
_DEADMAN_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
# A subscription that asks for more than a publisher offers hears nothing of it, so there is one for each kind of
# publisher. Deep: a press that is followed by a release must not be lost while the executor is busy.
_ESTOP_QOS = (
    QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL),
    QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE),
    QoSProfile(depth=50, reliability=ReliabilityPolicy.BEST_EFFORT),
)


class EstopPanels:
    """Which panels hold their e-stop pressed. ``count`` tells how many publish on the topic."""

    def __init__(self, count: Callable[[], int]) -> None:
        self._count = count
        self._pressed: set[str] = set()

    @property
    def pressed(self) -> bool:
        """Whether any panel says so."""
        return bool(self._pressed)

    def take(self, pressed: bool, panel: str) -> None:
        """What a panel says of itself; its name is empty where the middleware tells none.

        A release counts for the panel alone, so a nameless one counts only while there is one panel. The only panel
        speaks for those that are gone, as one that was started anew does.
        """
        if pressed:
            self._pressed.add(panel)
        elif self._count() <= 1:
            self._pressed.clear()
        elif panel:
            self._pressed.discard(panel)


class OperatorTopics:
    """arm/deadman and arm/estop_input; a pressed e-stop latches the controller's."""

    def __init__(
        self, node: CrlNode, lock: threading.RLock, controller: ArmController, on_estop: Callable[[], None]
    ) -> None:
        self._node, self._lock, self._controller, self._on_estopped = node, lock, controller, on_estop
        self._panels = EstopPanels(lambda: count_publishers(node, ESTOP_TOPIC))
        self._entities = [
            node.create_subscription(Bool, "arm/deadman", self._on_deadman, _DEADMAN_QOS),
            *(self._listen(qos) for qos in _ESTOP_QOS),
        ]

    def refuse_pressed(self) -> None:
        """Raise ArmError while a panel of the e-stop topic says that its e-stop is pressed."""
        if self._panels.pressed:
            raise ArmError(
                f"{ESTOP_TOPIC} still says true; release that e-stop, whose panel publishes false, then reset. A panel "
                "that is gone must be started again; ROS 2 Jazzy can tell apart no more than one panel"
            )

    def _listen(self, qos: QoSProfile) -> Subscription[Bool]:
        """Without rclpy's warning that a publisher is not heard: another of the subscriptions hears it."""
        quiet = SubscriptionEventCallbacks(use_default_callbacks=False)
        return self._node.create_subscription(Bool, ESTOP_TOPIC, self._on_estop, qos, event_callbacks=quiet)

    def _on_deadman(self, msg: Bool) -> None:
        with self._lock:
            self._controller.deadman(msg.data, self._node.now_ns())

    def _on_estop(self, msg: Bool, info: Mapping[str, Any]) -> None:
        with self._lock:
            self._panels.take(msg.data, publisher_of(info))
            if not msg.data or self._controller.mode == "estopped":
                return
            self._controller.estop(f"{ESTOP_TOPIC} says true")
        self._on_estopped()
