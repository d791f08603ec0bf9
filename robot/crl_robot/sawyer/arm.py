"""Sawyer behind the `Arm` protocol: joint positions streamed through rosbridge, motion gated on the robot's state.

Connecting reads and sets the command timeout and the speed ratio; it neither enables nor moves, and a robot that
somebody else has enabled is told nothing before `enable`. The robot follows
only while commands come: `read` sends the newest target again when it is about to time out, so a loop that reads the
arm keeps it where it was told to be, and a process that hangs or dies lets it stop. Position mode goes to the joint
controllers as it is: the robot's own collision avoidance does not see it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from crl_robot.contracts import JointReading
from crl_robot.errors import ArmError
from crl_robot.joint_targets import checked_joints, require_near
from crl_robot.sawyer import topics
from crl_robot.sawyer.gripper import SawyerGripper
from crl_robot.sawyer.link import SawyerLink
from crl_robot.sawyer.model import JOINT_LIMITS, JOINT_NAMES
from crl_robot.sawyer.settings import SawyerSettings
from crl_robot.sawyer.state import RobotState
from crl_robot.sawyer.topics import Endpoint

_CHANGE_TIMEOUT_S = 5.0


class SawyerArm:
    """A connected Sawyer; safe to use from several threads. ``clock_ns`` is the clock of the stamps.

    Raises ArmError when the robot cannot be reached, or is in use by another driver on this machine.
    """

    joint_names = JOINT_NAMES

    def __init__(
        self,
        settings: SawyerSettings | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings or SawyerSettings()
        self._monotonic = monotonic
        self._lock = threading.RLock()
        self._closed = self._taken = False
        self._target: NDArray[np.float64] | None = None
        self._sent_s = 0.0
        self._link = SawyerLink(self.settings, clock_ns, monotonic)
        self._listener = self._link.listener
        self._gripper = SawyerGripper(self._link.send_gripper, self._listener, clock_ns, monotonic)

    @property
    def state(self) -> RobotState:
        """What the robot says of itself. Raises ArmError when it is silent."""
        self._require_sound()
        return self._listener.state()

    @property
    def endpoint(self) -> Endpoint:
        """The robot's own estimate of its hand, up to 50 ms old, stamped by the robot's clock."""
        self._require_sound()
        return self._listener.endpoint()

    def read(self) -> JointReading:
        """Newest measured joints; the stamp is the robot's, moved to our clock. Renews the target in force.

        Raises ArmError when the connection is cut, the robot is silent or its message cannot be used.
        """
        self._require_sound()
        try:
            joints, gripper = self._listener.joints(), self._gripper.opening()
        except ArmError:
            self._target = None
            raise
        self._renew()
        return JointReading(joints.sample.position, joints.sample.velocity, gripper, joints.stamp_ns, joints.receive_ns)

    def command(self, position: NDArray[np.float64], gripper: float) -> None:
        """Stream one joint target (7,) rad and gripper opening 0..1; 20 to 100 times a second.

        Raises ArmError, and sends nothing, when the values are wrong, outside the joint limits or too far from the
        measured joints, before `enable`, when the robot is not enabled, or when it is silent.
        """
        self._require_sound()
        joints = checked_joints(position, gripper, JOINT_NAMES, JOINT_LIMITS)
        with self._lock:
            self._require_motion()
            if not self._taken:
                raise ArmError("this driver does not command the robot yet; call enable() first")
            measured = self._listener.joints().sample.position
            require_near(joints, measured, JOINT_NAMES, self.settings.max_lead_rad)
            self._gripper.require_ready()
            self._send(joints)
            self._gripper.command(float(gripper))

    def hold(self) -> None:
        """Make the measured joints the target; nothing is sent before `enable`, nor to a robot that may not move.

        Raises ArmError when the robot cannot be heard: it stops by its command timeout then.
        """
        if self._closed:
            return
        self._require_sound()
        with self._lock:
            self._target = None
            if not self._listener.state().refusal and self._taken:
                self._send(self._listener.joints().sample.position)

    def close(self) -> None:
        """Hold, then close the connection. The robot stays enabled, if it was."""
        with self._lock:
            if self._closed:
                return
            with suppress(ArmError):
                self.hold()
            self._closed = True
        self._link.close()

    def enable(self, timeout_s: float = _CHANGE_TIMEOUT_S) -> None:
        """Switch the motors on and command them from now on; brakes click, nothing else moves.

        Raises ArmError while a stop is latched.
        """
        if not self.state.enabled:
            self._switch_on(timeout_s)
        self._taken = True

    def _switch_on(self, timeout_s: float) -> None:
        state = self.state
        if state.stopped or state.estop_button == "pressed":
            raise ArmError(f"cannot enable: {state.refusal}")
        self._forget_target()
        self._link.ask(topics.ENABLE, {"data": True}, lambda state: state.enabled, "enabled", timeout_s)

    def disable(self, timeout_s: float = _CHANGE_TIMEOUT_S) -> None:
        """Switch the motors off; the brakes hold."""
        self._forget_target()
        self._link.ask(topics.ENABLE, {"data": False}, lambda state: not state.enabled, "disabled", timeout_s)

    def reset(self, timeout_s: float = _CHANGE_TIMEOUT_S) -> None:
        """Clear a latched stop or error; after it the robot needs `enable`. Raises ArmError while the button is in."""
        state = self.state
        if state.estop_button == "pressed":
            raise ArmError(f"cannot reset: {state.refusal}")
        self._forget_target()
        if state.stopped or state.error:
            self._link.ask(topics.RESET, {}, lambda state: not state.stopped, "reset", timeout_s)

    def stop(self, timeout_s: float = _CHANGE_TIMEOUT_S) -> None:
        """Stop as the button does, latched until `reset`. Not a replacement for the button."""
        self._forget_target()
        self._link.ask(topics.STOP, {}, lambda state: state.stopped, "stopped", timeout_s)

    def calibrate_gripper(self, timeout_s: float = 2 * _CHANGE_TIMEOUT_S) -> None:
        """Close and open the gripper, as it needs after power-on. Raises ArmError when it does not end in time."""
        self._require_sound()
        self._require_motion()
        self._gripper.calibrate()
        if not self._listener.wait(lambda: self._listener.gripper().calibrated, timeout_s):
            raise ArmError(f"the gripper was not calibrated after {timeout_s} s; is something between its fingers?")

    def diagnostics(self) -> dict[str, float | int | str]:
        """Ages in ms and counts of the streams, clock offset in ms, fault of the connection."""
        return {**self._listener.summary(), "connection": self._link.fault or "open"}

    def round_trip_ms(self) -> float:
        """Time in ms for a question to rosbridge and its answer; all that was sent before has reached it then."""
        self._require_sound()
        return self._link.round_trip_s() * 1e3

    def _send(self, joints: NDArray[np.float64]) -> None:
        self._link.send_joints(joints)
        self._target, self._sent_s = joints, self._monotonic()

    def _renew(self) -> None:
        """Send the target again before it times out. One that timed out is forgotten: the arm would start by itself."""
        with self._lock:
            age_s = self._monotonic() - self._sent_s
            if self._target is None or age_s < self.settings.renew_s:
                return
            if age_s > self.settings.command_timeout_s:
                self._target = None
                return
            with suppress(ArmError):
                self._require_motion()
                self._send(self._target)

    def _forget_target(self) -> None:
        """Before anything that ends motion: what was in force must not come back after it, before `enable`."""
        self._require_sound()
        with self._lock:
            self._target, self._taken = None, False

    def _require_sound(self) -> None:
        if self._closed:
            raise ArmError("this Sawyer is closed; make a new SawyerArm")
        self._link.require_sound()

    def _require_motion(self) -> None:
        if refusal := self._listener.state().refusal:
            self._target = None
            raise ArmError(refusal)
