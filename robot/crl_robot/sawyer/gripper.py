"""Sawyer's electric gripper: opening 0..1 to a gap in m and back, sent again until the gripper says it took it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from crl_robot.errors import ArmError
from crl_robot.sawyer.listener import Listener
from crl_robot.sawyer.model import GRIPPER_STROKE_M
from crl_robot.sawyer.topics import GripperSample, gripper_command

_SMALLEST_CHANGE = 0.005
_RESEND_S = 0.2


class SawyerGripper:
    """Sends a position only when it changes, because each command starts a motion of its own."""

    def __init__(
        self,
        publish: Callable[[Mapping[str, Any]], None],
        listener: Listener,
        clock_ns: Callable[[], int],
        monotonic: Callable[[], float],
    ) -> None:
        self._publish, self._listener = publish, listener
        self._clock_ns, self._monotonic = clock_ns, monotonic
        self._wanted: float | None = None
        self._sent_ns, self._sent_s = 0, 0.0

    def opening(self) -> float:
        """Measured opening, 0 closed .. 1 open. Raises ArmError when the gripper is silent."""
        return min(max(self._listener.gripper().position_m / GRIPPER_STROKE_M, 0.0), 1.0)

    def require_ready(self) -> GripperSample:
        """Raise ArmError when the gripper cannot move."""
        sample = self._listener.gripper()
        if sample.error:
            raise ArmError(
                "the gripper reports an error: restart it with the robot's own tools, then calibrate_gripper()"
            )
        if not sample.calibrated:
            raise ArmError(
                "the gripper is not calibrated, expected a calibrated one: calibrate_gripper() closes and opens it"
            )
        return sample

    def command(self, opening: float) -> None:
        """Go to ``opening``, 0..1 and clipped to it. Raises ArmError when the gripper cannot move."""
        opening = min(max(opening, 0.0), 1.0)
        sample = self.require_ready()
        end_stop = opening in (0.0, 1.0) and opening != self._wanted
        if self._wanted is None or end_stop or abs(opening - self._wanted) >= _SMALLEST_CHANGE:
            self._send(opening)
        elif self._sent_ns not in sample.taken_ns and self._monotonic() - self._sent_s > _RESEND_S:
            self._send(self._wanted)

    def calibrate(self) -> None:
        """Ask for a calibration, which closes and opens the fingers, once."""
        self._wanted = None
        self._publish(gripper_command("calibrate", "bool", True, self._clock_ns()))

    def _send(self, opening: float) -> None:
        self._wanted, self._sent_ns, self._sent_s = opening, self._clock_ns(), self._monotonic()
        self._publish(gripper_command("position_m", "float", opening * GRIPPER_STROKE_M, self._sent_ns))
