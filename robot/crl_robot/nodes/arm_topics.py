"""The topics and services of one arm: every command source meets the `ArmController` here.

A node owns one `ArmTopics`, calls `tick` from its inner loop's thread and lets its executor deliver the rest.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, String
from std_srvs.srv import SetBool, Trigger

from crl_robot.arm_model import ArmModel
from crl_robot.contracts import Action, ActionSpec, Arm, ArmState
from crl_robot.control.controller import ArmController, Kinematics
from crl_robot.control.safety import SafetyLimits
from crl_robot.errors import ArmError, ContractError, CrlError
from crl_robot.kinematics import WX250S
from crl_robot.nodes.arm_inputs import TwistTopics
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.description import publish_description
from crl_robot.nodes.messages import (
    ACTION_QOS,
    COMMANDED_QOS,
    LATCHED_QOS,
    STATE_QOS,
    action_from_msg,
    msg_from_action,
    msg_from_joints,
    msg_from_pose,
)
from crl_robot.nodes.operator_topics import OperatorTopics
from crl_robot.nodes.publishers import source_of
from crl_robot.nodes.start_pose import StartPose


class ArmTopics:
    """Publishes what the arm measures and does; takes Actions, enable, e-stop, reset and home."""

    def __init__(
        self,
        node: CrlNode,
        arm: Arm,
        kinematics: Kinematics,
        spec: ActionSpec,
        limits: SafetyLimits,
        model: ArmModel = WX250S,
        describe: bool = True,
        robot: str = "",
    ) -> None:
        self._node, self._arm, self._model, self._robot = node, arm, model, robot
        self._names = arm.joint_names
        self._lock = threading.RLock()
        self._controller = ArmController(arm, kinematics, spec, limits, self._now_ns())
        self._published: tuple[str, str] | None = None
        self._joints = node.create_publisher(JointState, "joint_states", STATE_QOS)
        self._pose = node.create_publisher(PoseStamped, "arm/pose", STATE_QOS)
        self._target = node.create_publisher(PoseStamped, "arm/target_pose", STATE_QOS)
        self._commanded = node.create_publisher(JointState, "arm/commanded", COMMANDED_QOS)
        self._status = node.create_publisher(String, "arm/status", LATCHED_QOS)
        self._estopped = node.create_publisher(Bool, "arm/estopped", LATCHED_QOS)
        self._twists = TwistTopics(node, self._lock, self._controller, spec, limits.inner_rate_hz)
        self._operator = OperatorTopics(node, self._lock, self._controller, self.publish_status)
        self._start_pose = StartPose(node, self._lock, self._controller, self._names, self.publish_status, self._answer)
        self._entities = [
            node.create_subscription(JointState, "arm/action", self._on_action, ACTION_QOS),
            node.create_service(SetBool, "arm/enable", self._on_enable),
            node.create_service(Trigger, "arm/estop", self._on_estop),
            node.create_service(Trigger, "arm/reset", lambda _, response: self._answer(response, self.reset)),
            node.create_service(Trigger, "arm/home", self._on_home),
        ]
        node.create_timer(1.0, self.publish_status)
        if describe:
            publish_description(node, model)

    def tick(self) -> bool:
        """One inner tick: send the next joint target and publish the state; returns whether the arm could be read."""
        with self._lock:
            self.control()
            return self.tell()

    def control(self) -> None:
        """Send the next joint target."""
        with self._lock:
            self._controller.inner_tick(self._now_ns())

    def tell(self) -> bool:
        """Publish the state; returns whether the arm could be read."""
        state = None
        with self._lock:
            with suppress(ArmError):  # the controller has latched its e-stop, which /arm/status tells
                state = self._controller.state()
                self._publish_state(state)
                self._twists.drive(state.gripper_target, self._submit)
            if (self._controller.mode, self._controller.reason) != self._published:
                self.publish_status()
        return state is not None

    def enable(self) -> None:
        """Switch the arm on and allow motion. Raises ArmError while anything makes that unsafe."""
        if not self._node.active:
            raise ArmError("the node is not active; activate it before enabling the arm")
        with self._lock:
            self._controller.enable()

    def disable(self) -> None:
        """Hold and refuse Actions."""
        with self._lock:
            self._controller.disable()

    def keep_latched(self, reason: str) -> None:
        """Latch an e-stop that was latched before the node was configured anew: only a reset clears it."""
        with self._lock:
            self._controller.estop(reason)

    def reset(self) -> None:
        """Clear a latched e-stop and what the device latched. Raises ArmError while a cause is still there."""
        with self._lock:
            self._operator.refuse_pressed()
            self._controller.reset()

    @contextmanager
    def taken_over(self) -> Iterator[None]:
        """Whoever moves the arm past the controller does it inside; after it the arm holds where it then is."""
        with self._lock:
            try:
                yield
            finally:
                self._controller.resync("moved past the controller, waiting for actions")

    def summary(self) -> dict[str, Any]:
        """Mode, reason, counters, meaning of Actions and name of the robot, as published on /arm/status."""
        with self._lock:
            controller = self._controller
            return {
                "mode": controller.mode,
                "reason": controller.reason,
                "counters": dict(controller.events),
                "action_spec": controller.spec.to_dict(),
                "robot": self._robot,
                "start_pose": self._start_pose.joints,
            }

    def publish_status(self) -> None:
        """Publish /arm/status and /arm/estopped for those who are here and those who come later."""
        with self._lock:  # until it is published: an older status must not come after a newer one and stay
            summary = self.summary()
            if summary["mode"] == "estopped" and (self._published or ("", ""))[0] != "estopped":
                self._node.get_logger().error(f"e-stop latched: {summary['reason']}")
            self._published = (summary["mode"], summary["reason"])
            self._status.publish(String(data=json.dumps(summary)))
            self._estopped.publish(Bool(data=summary["mode"] == "estopped"))

    def _publish_state(self, state: ArmState) -> None:
        stamp_ns = state.joints.stamp_ns
        self._joints.publish(msg_from_joints(state.joints, self._names))
        self._pose.publish(msg_from_pose(state.measured, stamp_ns))
        self._target.publish(msg_from_pose(state.target, stamp_ns))

    def device_diagnostics(self) -> Mapping[str, float | int | str]:
        """What the device says of its health; asks it, between two inner ticks."""
        try:
            with self._lock:
                return self._arm.diagnostics()
        except ArmError as error:
            return {"device_error": str(error)}

    def _on_action(self, msg: JointState, info: Any) -> None:
        with self._lock:
            try:
                action = action_from_msg(msg)
            except ContractError as error:
                self._controller.hold(str(error), "bad_action")
                self._refuse(error)
                return
            self._submit(action, source_of(msg.header.frame_id, info))

    def _submit(self, action: Action, source: str) -> bool:
        """Hand an Action to the controller and publish what it commanded; whether it was accepted."""
        try:
            commanded = self._controller.submit(action, self._now_ns(), source)
        except (ArmError, ContractError) as error:
            self._refuse(error)
            return False
        self._commanded.publish(msg_from_action(commanded))
        return True

    def _refuse(self, error: CrlError) -> None:
        self._node.get_logger().warning(f"action refused: {error}", throttle_duration_sec=1.0)
        self.publish_status()

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        return self._answer(response, self.enable if request.data else lambda: self._stopped(self.disable))

    def _on_estop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._answer(response, lambda: self._stopped(lambda: self._controller.estop("e-stop was called")))

    def _on_home(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._answer(response, lambda: self._controller.home(np.array(self._model.home), self._now_ns()))

    def _stopped(self, stop: Callable[[], None]) -> None:
        """Whoever asks for a stop is told when the arm could not be told."""
        stop()
        self._controller.require_held()

    def _answer(self, response: Any, do: Callable[[], None]) -> Any:
        """Fill in a service's answer with what happened."""
        try:
            with self._lock:
                do()
            response.success, response.message = True, self._controller.reason or self._controller.mode
        except CrlError as error:
            response.success, response.message = False, str(error)
        self.publish_status()
        return response

    def _now_ns(self) -> int:
        return self._node.now_ns()
