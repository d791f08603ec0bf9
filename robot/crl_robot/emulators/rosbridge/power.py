"""Motors and stops of an emulated Sawyer: which request changes what, and what /robot/state then says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

UNPRESSED, PRESSED, BUTTON_UNKNOWN, RELEASED = range(4)
NO_SOURCE, USER, SOURCE_UNKNOWN, FAULT = range(4)


@dataclass
class Power:
    """As after switching on: motors off, nothing latched."""

    enabled: bool = False
    stopped: bool = False
    error: bool = False
    button: int = UNPRESSED
    source: int = NO_SOURCE

    @property
    def moves(self) -> bool:
        """Whether joint commands are obeyed."""
        return self.enabled and not self.stopped

    def enable(self, on: bool) -> bool:
        """A request on set_super_enable; returns whether it was obeyed: not while a stop is latched."""
        if on and self.stopped:
            return False
        self.enabled = on
        return True

    def reset(self) -> bool:
        """A request on set_super_reset; returns whether it was obeyed: not while the button is pressed."""
        if self.button == PRESSED:
            return False
        self.enabled = self.stopped = self.error = False
        self.button, self.source = UNPRESSED, NO_SOURCE
        return True

    def stop(self) -> None:
        """A request on set_super_stop."""
        self._latch(BUTTON_UNKNOWN, SOURCE_UNKNOWN)

    def press(self) -> None:
        """A person presses the red button."""
        self._latch(PRESSED, USER)

    def release(self) -> None:
        """A person releases it; the stop stays latched."""
        if self.button == PRESSED:
            self.button = RELEASED

    def fail(self) -> None:
        """A joint reports a fault."""
        self.error = True
        self._latch(BUTTON_UNKNOWN, FAULT)

    def message(self) -> dict[str, Any]:
        """RobotAssemblyState."""
        return {
            "homed": True,
            "ready": self.moves,
            "enabled": self.enabled,
            "stopped": self.stopped,
            "error": self.error,
            "lowVoltage": False,
            "estop_button": self.button,
            "estop_source": self.source,
        }

    def _latch(self, button: int, source: int) -> None:
        self.enabled, self.stopped = False, True
        self.button, self.source = button, source
