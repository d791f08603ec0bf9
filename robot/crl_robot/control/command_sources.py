"""Who may move the arm: one source of Actions at a time, and where it is required, only with the dead-man pressed."""

from __future__ import annotations

from crl_robot.control.safety import SafetyLimits
from crl_robot.errors import RefusedError


class CommandSources:
    """Remembers the source of the last accepted Action and the last word of the dead-man switch.

    ``silence_s`` is how long a source that falls silent keeps the arm.
    """

    def __init__(self, limits: SafetyLimits, silence_s: float) -> None:
        self._limits = limits
        self._silence_s = silence_s
        self._owner = ""
        self._accepted_ns: int | None = None
        self._pressed_ns: int | None = None

    def accepted(self, source: str, now_ns: int) -> None:
        """Give the arm to ``source``."""
        self._owner, self._accepted_ns = source, now_ns

    def check_owner(self, source: str, now_ns: int) -> None:
        """Raise RefusedError while another source has the arm."""
        if source == self._owner or not _within(self._accepted_ns, now_ns, self._silence_s):
            return
        raise RefusedError(
            "second_source",
            f"the arm obeys '{self._owner}' and not '{source}': one command source at a time; stop the one, and the "
            f"other has the arm {self._silence_s:.2f} s later",
        )

    def deadman(self, pressed: bool, now_ns: int) -> None:
        """Take a message of the dead-man switch."""
        self._pressed_ns = now_ns if pressed else None

    def check_deadman(self, now_ns: int) -> None:
        """Raise RefusedError when the dead-man is required and was not pressed just now."""
        required_s = self._limits.deadman_s
        if not required_s or _within(self._pressed_ns, now_ns, required_s):
            return
        what = "is released" if self._pressed_ns is None else f"was not heard for {required_s} s"
        raise RefusedError("deadman", f"the dead-man switch {what}; keep it pressed while the arm moves")


def _within(since_ns: int | None, now_ns: int, duration_s: float) -> bool:
    return since_ns is not None and 0 <= now_ns - since_ns <= duration_s * 1e9
