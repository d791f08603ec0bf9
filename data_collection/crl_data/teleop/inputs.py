"""The newest Command that arrived, and what makes it void: silence, broken values, a dead-man that was not let go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crl_data.teleop.command import RELEASED, Command
from crl_data.teleop.layout import JoyLayout
from crl_robot.errors import ContractError


class JoyInput:
    """Turns joystick messages into Commands; silence counts as everything released.

    After silence or a broken message the dead-man counts only once it was seen released: a device that comes back
    with a button held down must not set the arm in motion.

    Args:
        stale_s: silence after which the device counts as released.
    """

    def __init__(self, layout: JoyLayout, stale_s: float = 0.25) -> None:
        self.layout = layout
        self.refused = 0
        """Messages that could not be used."""
        self._stale_s = stale_s
        self._command = RELEASED
        self._received_s: float | None = None
        self._trusted = False
        self._fault = ""

    def take(self, axes: Sequence[float], buttons: Sequence[int], now_s: float) -> frozenset[str]:
        """Take one message; returns the buttons that went down with it. Raises ContractError on one that is broken."""
        self._trusted = self._trusted and not self._silent(now_s)
        first = self._received_s is None
        try:
            command = self.layout.read(axes, buttons)
        except ContractError as error:
            self.refused += 1
            self._command, self._trusted, self._fault = RELEASED, False, str(error)
            raise
        before, self._command = self._command, command
        self._received_s, self._fault = now_s, ""
        self._trusted = self._trusted or not command.deadman
        return frozenset() if first else command.pressed - before.pressed

    def command(self, now_s: float) -> Command:
        """What the operator asks for now."""
        if self._silent(now_s) or self._fault:
            return RELEASED
        if not self._trusted:
            return replace(self._command, pressed=self._command.pressed - {"deadman"})
        return self._command

    def why_released(self, now_s: float) -> str:
        """Why the dead-man does not count; empty while it is held."""
        if self._fault:
            return self._fault
        if self._received_s is None:
            return "no message on /joy yet; start the device"
        if self._silent(now_s):
            return f"no message on /joy for {now_s - self._received_s:.2f} s"
        label = self.layout.label("deadman")
        if not self._trusted:
            return f"release the dead-man once: {label}"
        return "" if self._command.deadman else f"dead-man released; hold {label} to move"

    def _silent(self, now_s: float) -> bool:
        return self._received_s is None or now_s - self._received_s > self._stale_s
