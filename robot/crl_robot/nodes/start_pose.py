"""The pose that runs begin from: told to the arm on arm/start_pose, gone to by the service arm/go_to_start.

The move is the one of /arm/home to other joints: slow, straight in joint space, and refused where it comes too near the
table or the arm itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from crl_robot.control.controller import ArmController
from crl_robot.errors import ArmError
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.messages import LATCHED_QOS

START_POSE_TOPIC, GO_TO_START = "arm/start_pose", "arm/go_to_start"
PLACE = "the start pose"
_PRECISION_RAD = 1e-6


class StartPose:
    """Keeps the newest pose and moves the arm there when asked.

    Args:
        lock: of the controller.
        changed: called when another pose is kept.
        answer: fills in the answer of a service with what a call inside the lock came to.
    """

    def __init__(
        self,
        node: CrlNode,
        lock: threading.RLock,
        controller: ArmController,
        names: Sequence[str],
        changed: Callable[[], None],
        answer: Callable[[Any, Callable[[], None]], Any],
    ) -> None:
        self._node, self._lock, self._controller, self._changed = node, lock, controller, changed
        self._names = list(names)
        self._joints: NDArray[np.float64] | None = None
        node.create_subscription(JointState, START_POSE_TOPIC, self._on_pose, LATCHED_QOS)
        node.create_service(Trigger, GO_TO_START, lambda _, response: answer(response, self._go))

    @property
    def joints(self) -> list[float] | None:
        """Rad, in the order of the arm's joints; None before one was told."""
        return None if self._joints is None else self._joints.tolist()

    def _go(self) -> None:
        """Begin to move there. Raises ArmError as `ArmController.home`, and when no pose was told."""
        if self._joints is None:
            raise ArmError(f"the arm knows no start pose; publish one on {START_POSE_TOPIC}, or call arm/home")
        self._controller.home(self._joints, self._node.now_ns(), PLACE)

    def _on_pose(self, msg: JointState) -> None:
        joints = np.array(msg.position, np.float64)
        if list(msg.name) not in ([], self._names) or joints.shape != (len(self._names),):
            words = f"{list(msg.name)} of {len(joints)} values, expected the joints {self._names} in rad"
            self._node.get_logger().warning(f"start pose refused: {words}")
            return
        if not np.isfinite(joints).all():
            self._node.get_logger().warning(f"start pose refused: {joints.tolist()}, expected finite numbers")
            return
        with self._lock:
            self._joints = joints
        self._changed()


def same_pose(one: Sequence[float] | None, other: Sequence[float]) -> bool:
    """Whether two poses are the same joints."""
    return one is not None and len(one) == len(other) and bool(np.allclose(one, other, atol=_PRECISION_RAD))
