"""Watches over the servos between commands: their bus watchdog, their hardware errors and their torque."""

from __future__ import annotations

import time

from crl_robot.errors import ArmError
from crl_robot.widowx.servos import ServoGroup

_TORQUE_CHECK_S = 0.5


class Guard:
    """Refuses commands that the servos would not, or must not, carry out."""

    def __init__(self, group: ServoGroup) -> None:
        self._group = group
        self._armed = False
        self._torque_seen_s = 0.0
        self.tripped: list[str] = []
        """Names of the servos whose watchdog has tripped; it stays so until `clear`."""
        self.note_tripped()

    @property
    def watchdog(self) -> str:
        """'off', 'armed' or 'tripped'."""
        return "tripped" if self.tripped else "armed" if self._armed else "off"

    def arm(self) -> None:
        """Switch the watchdog of the servos on, where the settings and the firmware allow it."""
        units = self._group.settings.watchdog_units
        self._armed = units > 0 and self._group.set_watchdog(units)
        self._group.bus.longest_silence_s = 0.0

    def disarm(self) -> None:
        """Switch it off; one that has tripped stays tripped."""
        if self._armed and not self.tripped:
            self._group.set_watchdog(0)
        self._armed = False

    def clear(self) -> None:
        """Let tripped servos take goals again."""
        self._group.set_watchdog(0)
        self.tripped, self._armed = [], False

    def note_tripped(self) -> None:
        """Take over what the last inspection found."""
        self.tripped = [f.servo.name for f in self._group.facts.values() if f.tripped]

    def look_for_trip(self) -> bool:
        """Ask the servos. Raises ArmError when they do not answer."""
        self.tripped = self._group.tripped()
        self._group.bus.longest_silence_s = 0.0
        return bool(self.tripped)

    def refuse_tripped(self) -> None:
        """Raise ArmError when the watchdog has tripped; the servos are asked only if it can have."""
        limit = self._group.settings.watchdog_s
        if self._armed and not self.tripped and self._group.bus.longest_silence_s > limit / 2:
            self.look_for_trip()
        if self.tripped:
            raise ArmError(
                f"the bus watchdog of {', '.join(self.tripped)} has tripped: nobody talked to the servos for "
                f"{limit} s, and they stopped; find out why, then call clear_watchdog()"
            )

    def refuse_faults(self) -> None:
        """Raise ArmError when a servo has raised an alert, or lost its torque without having been asked to."""
        errors = self._group.errors()
        if errors:
            raise ArmError("; ".join(errors))
        now = time.monotonic()
        if now - self._torque_seen_s > _TORQUE_CHECK_S:
            limp = self._group.without_torque()
            if limp:
                cause = "; ".join(self._group.errors())  # an alert may have come with these very answers
                off = f"the torque of {', '.join(limp)} went off by itself; check the supply, then enable again"
                raise ArmError(cause or off)
            self._torque_seen_s = now

    def refuse_hardware_errors(self) -> None:
        """Raise ArmError when the last inspection found a hardware error, saying which and what to do."""
        found = [f"{f.servo.name} {what}: {do}" for f in self._group.facts.values() for what, do in f.errors]
        if found:
            raise ArmError("; ".join(found))
