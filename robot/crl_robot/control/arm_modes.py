"""The modes of an arm: disabled, holding, moving, e-stopped; what leads from one to another always ends with a hold.

`ArmController` is built on this. Nothing here moves the arm.
"""

from __future__ import annotations

from collections import Counter

from crl_robot.contracts import Arm, ArmState, JointReading
from crl_robot.control.collision import CollisionError
from crl_robot.control.joint_drive import JointDrive
from crl_robot.control.step_planner import Collisions, Kinematics
from crl_robot.control.watched_arm import fault_event
from crl_robot.errors import ArmError, RefusedError


class ModalArm:
    """One arm in one mode. ``events`` counts what happened; `mode` and `reason` say where that led."""

    def __init__(
        self, arm: Arm, drive: JointDrive, kinematics: Kinematics, collisions: Collisions, now_ns: int
    ) -> None:
        self.events: Counter[str] = Counter()
        self._mode, self._reason = "disabled", "not enabled yet"
        self._arm, self._drive = arm, drive
        self._kinematics, self._collisions = kinematics, collisions
        self._now_ns = now_ns

    @property
    def mode(self) -> str:
        return self._mode

    @property
    def reason(self) -> str:
        return self._reason

    def state(self) -> ArmState:
        """The arm now. Raises ArmError (and latches the e-stop) when it cannot be read or its joints are stale."""
        reading, stand = self._read(), self._drive.stand
        measured = self._kinematics.forward(reading.position)
        return ArmState(reading, measured, stand.target, stand.gripper_target, self._mode, self._reason)

    def enable(self) -> None:
        """Enable the arm and allow motion; it holds until the first Action.

        Raises ArmError while the e-stop is latched, and when the arm refuses: it then stays disabled.
        """
        if self._mode == "estopped":
            raise ArmError(f"e-stop is latched ({self._reason}); clear the cause and reset before enabling")
        if self._mode != "disabled":
            return
        try:
            self._arm.enable()
        except ArmError as error:
            self.events["enable_refused"] += 1
            self._reason = f"not enabled: {error}"
            raise
        self._drive.resume_gripper(self._read())
        self._stop("holding", "enabled, waiting for actions")
        self._require_no_fault()

    def disable(self) -> None:
        """Hold and refuse Actions until enabled. An e-stop stays latched."""
        self.events["disabled"] += 1
        if self._mode != "estopped":
            self._stop("disabled", "disabled by the operator")

    def estop(self, reason: str) -> None:
        """Hold now and refuse everything until `reset`."""
        self.events["estop"] += 1
        self._stop("estopped", reason)

    def require_held(self) -> None:
        """Raise ArmError while the arm has not taken the hold that it was asked for."""
        if self._drive.hold_pending:
            raise ArmError(f"{self._mode}, but the arm was not told to hold: {self._reason}; use the hardware stop")

    def reset(self) -> None:
        """Clear what the arm latched, then a latched e-stop; the arm stays disabled. An enabled arm is left alone.

        Raises ArmError, and leaves the e-stop latched with that reason, while the arm still reports a fault.
        """
        if self._mode not in ("estopped", "disabled"):
            return
        try:
            self._arm.reset()
        except ArmError as error:
            self._reason = f"reset failed: {error}"
            raise
        if self._mode == "estopped":
            self._stop("disabled", "e-stop was reset, not enabled yet")
        self._require_no_fault()

    def hold(self, reason: str, event: str) -> None:
        """Stop where the arm is and wait for the next Action; counts ``event``. Does not enable or un-latch.

        An arm that holds already is not told again: each hold takes the measured, sagged pose as the new one, and an
        arm that refuses a stream of Actions would creep down.
        """
        self.events[event] += 1
        if self._mode == "moving":
            self._stop("holding", reason)
        elif self._mode == "holding":
            self._reason = reason

    def resync(self, reason: str) -> None:
        """Hold where the arm now is, in the mode it has, after something else moved it. Raises ArmError when silent."""
        moving = self._mode == "moving"
        self._stop("holding" if moving else self._mode, reason if moving else self._reason)
        self._drive.take_over_gripper(self._read())

    def _stop(self, mode: str, reason: str) -> None:
        moved = self._drive.move is not None
        self._mode, self._reason = mode, reason
        self._try_hold()
        if moved and not self._drive.hold_pending:
            self._note_nearness()

    def _try_hold(self) -> None:
        """Hold once; tried again at the next inner tick as long as the arm does not take it."""
        known = self._drive.hold_pending
        try:
            self._drive.hold()
        except ArmError as error:
            self.events[fault_event(error)] += int(not known)
            self._mode, self._reason = "estopped", f"arm fault: {error}"

    def _note_nearness(self) -> None:
        """Tell when a motion ended too near a collision, as after a push; it may only be left from there."""
        try:
            self._collisions.check(self._drive.stand.q, self._drive.stand.gripper)
        except CollisionError as error:
            self.events[error.event] += 1
            self._reason += f" ({error.bodies[0]} is too near {error.bodies[1]})"

    def _read(self) -> JointReading:
        try:
            return self._drive.read(self._now_ns)
        except ArmError as error:
            self._arm_fault(error)
            raise

    def _arm_fault(self, error: ArmError) -> None:
        """Latch the e-stop and hold; once, not at every tick that the fault lasts."""
        if self._mode == "estopped" and (self._drive.hold_pending or isinstance(error, RefusedError)):
            self._reason = f"arm fault: {error}"
            return
        self.events[fault_event(error)] += 1
        self._stop("estopped", f"arm fault: {error}")

    def _require_enabled(self) -> None:
        if self._mode in ("disabled", "estopped"):
            self.events["not_enabled"] += 1
            hint = "reset, then enable it" if self._mode == "estopped" else "enable it first"
            raise ArmError(f"the arm is {self._mode} ({self._reason}); {hint}")

    def _require_no_fault(self) -> None:
        """Raise ArmError when the hold before latched the e-stop."""
        if self._mode == "estopped":
            raise ArmError(self._reason)
