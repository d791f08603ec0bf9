"""One move of the arm: a straight line in joint space, run through at the inner rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crl_robot.control.safety import SafetyLimits

Array = NDArray[np.float64]
HOME_SETTLE_S = 0.3
HOME_TOLERANCE_RAD = 0.1
"""How far a joint that sags may be from the home pose when the arm says that it is there."""


@dataclass(frozen=True)
class JointMove:
    """From joints ``start`` (N,) rad at ``start_ns`` to ``end`` ``duration_s`` later; gripper openings 0..1 likewise.

    The arm holds ``timeout_s`` after the start, counting ``timeout_event``, unless another move began. ``place`` is
    what a person calls the end of a homing move.
    """

    start: Array
    end: Array
    gripper_start: float
    gripper_end: float
    start_ns: int
    duration_s: float
    timeout_s: float
    timeout_event: str
    timeout_reason: str
    place: str = ""

    @classmethod
    def to_home(
        cls, start: Array, home: Array, gripper: float, start_ns: int, limits: SafetyLimits, place: str = "home"
    ) -> JointMove:
        """The slow move to the home pose, or another one, which ends in a hold."""
        duration_s = max(float(np.abs(home - start).max()) / limits.home_speed, 1.0 / limits.inner_rate_hz)
        timeout_s = duration_s + HOME_SETTLE_S
        return cls(start, home, gripper, gripper, start_ns, duration_s, timeout_s, "homed", f"at {place}", place)

    @property
    def homing(self) -> bool:
        """Whether this is a move to the home pose."""
        return self.timeout_event == "homed"

    def at(self, now_ns: int) -> tuple[Array, float]:
        """Joints (N,) rad and gripper opening that should be reached at ``now_ns``."""
        fraction = float(np.clip((now_ns - self.start_ns) / 1e9 / self.duration_s, 0.0, 1.0))
        gripper = self.gripper_start + fraction * (self.gripper_end - self.gripper_start)
        return self.start + fraction * (self.end - self.start), gripper

    def why_stop(self, now_ns: int, elapsed_s: float, limits: SafetyLimits) -> tuple[str, str] | None:
        """Reason and event when the arm must hold ``elapsed_s`` after the last inner tick; None when it may go on."""
        if elapsed_s < 0:
            return f"the clock went back by {-elapsed_s:.3f} s", "clock_went_back"
        if elapsed_s > limits.clock_jump_s:
            return f"the clock jumped, or the loop hung for {elapsed_s:.3f} s", "clock_jump"
        if (now_ns - self.start_ns) / 1e9 > self.timeout_s:
            return self.timeout_reason, self.timeout_event
        return None
