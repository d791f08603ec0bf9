"""What the controller believes of an arm's measurements: finite, of the right size, and new."""

from __future__ import annotations

from crl_robot.contracts import Arm, JointReading
from crl_robot.control.safety import SafetyLimits
from crl_robot.errors import ArmError, ContractError, RefusedError


class WatchedArm:
    """Reads an arm, and refuses what it says when that cannot be used. Never invents or repeats a value."""

    def __init__(self, arm: Arm, limits: SafetyLimits) -> None:
        self.arm = arm
        self.newest: JointReading | None = None
        """The last reading that could be used."""
        self._limits = limits
        self._stamp_ns: int | None = None
        self._changed_ns = 0

    def read(self, now_ns: int) -> JointReading:
        """The newest joints.

        Raises RefusedError of 'bad_reading' when they are not finite or too few, of 'stale_joints' when they are too
        old or their stamp stands still, and the driver's ArmError.
        """
        reading = self.read_any_age()
        if reading.stamp_ns != self._stamp_ns:
            self._stamp_ns, self._changed_ns = reading.stamp_ns, now_ns
        age_s = max(now_ns - reading.stamp_ns, now_ns - self._changed_ns) / 1e9
        if age_s > self._limits.stale_joints_s:
            raise RefusedError(
                "stale_joints",
                f"the joints are {age_s:.3f} s old, at most {self._limits.stale_joints_s} s is allowed; is the arm "
                "still connected, and are the clocks synchronised?",
            )
        return reading

    def read_any_age(self) -> JointReading:
        """The newest joints, to hold where they are. Raises RefusedError of 'bad_reading', or the driver's ArmError."""
        try:
            reading = self.arm.read()
        except ContractError as error:
            raise RefusedError("bad_reading", f"the arm's reading cannot be used: {error}") from error
        count = len(self.arm.joint_names)
        if reading.position.shape != (count,):
            raise RefusedError(
                "bad_reading", f"the arm reads {reading.position.shape} joints, expected ({count},); check its driver"
            )
        self.newest = reading
        return reading


def fault_event(error: ArmError) -> str:
    """The row of the safety table under which a fault of the arm counts."""
    return error.event if isinstance(error, RefusedError) else "arm_fault"
