"""Any arm behind ros2_control: JointState in, JointTrajectory or Float64MultiArray out, with a MuJoCo model of it.

    Ros2ControlArm(node, Ros2ControlParameters(node).settings(model_file, tool))

Parameters of the arm node, all below `ros2_control.` (see `Ros2ControlSettings` for their meaning):
    joints, home, command_topic, command_type, joint_states_topic, gripper_joint, gripper_topic, gripper_type,
    gripper_closed, gripper_open, silence_s, ahead_s, max_lead_rad, joint_speed
and beside them the node's `model` (MJCF file) and `tool` (site).

Connecting only listens. Nothing is published before `enable`, which tells the arm to stay where it is measured.
A controller keeps its last target when this process dies, so the arm ends at the last point of the interpolated
motion; no watchdog of ours is on the other side.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState

from crl_robot.contracts import JointReading
from crl_robot.device_lock import DeviceLock
from crl_robot.errors import ArmError, ConfigError
from crl_robot.joint_targets import checked_joints, require_near
from crl_robot.kinematics import Kinematics
from crl_robot.nodes.controller_topic import Controllers
from crl_robot.nodes.joint_listener import JointListener
from crl_robot.nodes.ros2_control_settings import Ros2ControlSettings
from crl_robot.nodes.side_node import SideNode

Array = NDArray[np.float64]
_JOINTS_QOS = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)  # fits every publisher
_RESET_S = 1.0
_HELD_RAD = 0.05
_POLL_S = 0.02


class Ros2ControlArm:
    """The `Arm` over the topics of its controllers; safe to use from several threads.

    Args:
        node: the arm node: gives namespace, remaps, clock and log. Messages come on a thread of the driver's own.
        settings: see `Ros2ControlSettings`.

    Raises ArmError when no joint states come, no controller listens, or another program commands the arm.
    """

    def __init__(
        self, node: Node, settings: Ros2ControlSettings, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.settings, self.joint_names = settings, settings.model.joint_names
        self._limits = joint_limits(settings)
        self._lock = threading.RLock()
        self._closed = self._enabled = self._holding = False
        self._goal, self._gripper = np.zeros(len(self.joint_names)), 0.0
        self._listener = JointListener(settings, lambda: node.get_clock().now().nanoseconds, monotonic)
        states, command = (node.resolve_topic_name(t) for t in (settings.joint_states_topic, settings.command_topic))
        gripper = node.resolve_topic_name(settings.gripper_topic) if settings.gripper_topic else ""
        _require_other_topic(node, states)
        with ExitStack() as undo:
            lock = DeviceLock(f"ros2_control-{node.context.get_domain_id()}-{command}", f"the arm at {command}")
            undo.callback(lock.release)
            self._side = SideNode(node, "device")
            undo.callback(self._side.close)
            self._side.node.create_subscription(JointState, states, self._listener.on_message, _JOINTS_QOS)
            self._side.start()
            self._controllers = self._connect(command, gripper)
            self._open = undo.pop_all()

    @property
    def sent(self) -> dict[str, int]:
        """How many commands were sent on each topic."""
        return self._controllers.sent

    def read(self) -> JointReading:
        """Newest joints with the stamp of their message. Raises ArmError when they are too old or not usable."""
        self._require_open()
        return self._listener.reading()

    def command(self, position: Array, gripper: float) -> None:
        """Stream one joint target (N,) rad and opening 0..1.

        Raises ArmError, and sends nothing, when the values are wrong, outside the joint limits or too far from the
        measured joints, when not enabled, when no controller listens or another program commands it.
        """
        self._require_open()
        joints = checked_joints(position, gripper, self.joint_names, self._limits)
        with self._lock:
            if not self._enabled:
                raise ArmError("the arm does not take commands yet; call enable() first")
            self._controllers.require_sole()
            require_near(joints, self._listener.reading().position, self.joint_names, self.settings.max_lead_rad)
            self._gripper, self._goal, self._holding = float(np.clip(gripper, 0.0, 1.0)), joints, False
            self._send(with_gripper=True)

    def hold(self) -> None:
        """Make the measured joints the target; the gripper keeps its goal. Nothing is sent before `enable`.

        Called again without a command in between it sends nothing, or a sagging arm would creep down; unless somebody
        else has moved the arm away meanwhile: to send the old target again would make it jump.
        Raises ArmError when the joints are not known or no controller listens.
        """
        with self._lock:
            if self._closed or not self._enabled:
                return
            self._controllers.require_arm()
            measured = self._listener.reading().position
            if self._holding and np.abs(measured - self._goal).max() <= _HELD_RAD:
                return
            self._goal = measured
            self._send(with_gripper=False)
            self._holding = True

    def enable(self) -> None:
        """Take commands from now on, and hold where it stands. Raises ArmError while that is unsafe."""
        self._require_open()
        with self._lock:
            self._controllers.require_sole()
            reading = self._listener.reading()
            self._gripper, self._goal = reading.gripper, reading.position
            self._send(with_gripper=False)
            self._enabled = self._holding = True

    def reset(self) -> None:
        """Listen anew, also after the clock of the stamps was set back; moves nothing. Raises ArmError if silent."""
        self._require_open()
        self._listener.forget()
        if not self._listener.wait(lambda: not self._listener.why_not(), _RESET_S):
            raise ArmError(self._listener.why_not())
        self._controllers.require_sole()

    def diagnostics(self) -> dict[str, float | int | str]:
        """Age of the joints in ms, counts of messages in and out, and who listens."""
        counts = {f"joint_states_{name}": count for name, count in self._listener.counts.items()}
        listening = not self._closed and self._controllers.complete
        here = {"controllers": "listening" if listening else "not listening"}
        sent = {f"sent {topic}": count for topic, count in self.sent.items()}
        return {"joints_age_ms": self._listener.age_ms(), **here, **sent, **counts}

    def close(self) -> None:
        """Hold, if enabled, until the controllers have it; then leave the graph."""
        with self._lock:
            if self._closed:
                return
            with suppress(ArmError):
                self.hold()
                self._controllers.flush()
            self._closed, self._enabled = True, False
        self._open.close()

    def _connect(self, command: str, gripper: str) -> Controllers:
        """Wait for joint states, then for a controller on every command topic, which must be ours alone."""
        settings, listener = self.settings, self._listener
        end = time.monotonic() + settings.connect_timeout_s
        if not listener.wait(lambda: not listener.why_not(), settings.connect_timeout_s):
            raise ArmError(listener.why_not())
        controllers = Controllers(self._side.node, settings, command, gripper)
        while not controllers.complete and time.monotonic() < end:
            time.sleep(_POLL_S)
        controllers.require_sole()
        return controllers

    def _send(self, with_gripper: bool) -> None:
        if not self._side.alive:
            raise ArmError("the driver's ROS context was shut down; the arm stays at its last target")
        self._controllers.send(self._goal, self._gripper, with_gripper)

    def _require_open(self) -> None:
        if self._closed:
            raise ArmError("this arm is closed; make a new Ros2ControlArm")


def joint_limits(settings: Ros2ControlSettings) -> Array:
    """(N, 2) rad. Raises ConfigError for a joint without a range."""
    limits = Kinematics(settings.model).joint_limits
    for name, (low, high) in zip(settings.model.joint_names, limits, strict=True):
        if low >= high:
            raise ConfigError(
                f"joint {name!r} of {settings.model.file} has no range; give it one, also if it is endless"
            )
    return limits


def _require_other_topic(node: Node, states: str) -> None:
    """Raise ConfigError when the arm node would hear itself."""
    if states == node.resolve_topic_name("joint_states"):
        raise ConfigError(
            f"the arm's joint states come on {states}, where this node publishes its own; start the node in a "
            "namespace (namespace:=crl) or set ros2_control.joint_states_topic"
        )
