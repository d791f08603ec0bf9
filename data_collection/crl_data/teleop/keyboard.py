"""Keys of a terminal as Commands.

A terminal tells that a key went down, repeats it while it is held (after the delay that the desktop sets, about half a
second), and never tells that it came up. So a motion key counts as held for a moment after each of its bytes: a tap is
one short move, a held key moves on, and the dead-man is the repetition itself. Only the last key repeats, so that one
key moves at a time.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from crl_data.teleop.command import AXES, Command

MOTION_KEYS = {
    "w": ("x", 1.0),
    "s": ("x", -1.0),
    "a": ("y", 1.0),
    "d": ("y", -1.0),
    "r": ("z", 1.0),
    "f": ("z", -1.0),
    "l": ("roll", 1.0),
    "j": ("roll", -1.0),
    "i": ("pitch", 1.0),
    "k": ("pitch", -1.0),
    "q": ("yaw", 1.0),
    "e": ("yaw", -1.0),
}
BUTTON_KEYS = {
    "o": ("open",),
    "c": ("close",),
    "g": ("toggle",),
    "+": ("faster",),
    "-": ("slower",),
    "\n": ("start", "stop"),
    "\r": ("start", "stop"),
    "y": ("keep",),
    "n": ("drop",),
    "t": ("success",),
    "m": ("goal",),
}
HOLD_KEY = "."
"""Holds the dead-man without moving."""
RELEASE_KEY = " "
"""Lets go of everything at once."""
_GRIPPER = {"o", "c", "g"}
_REPEATING = {"+", "-"}
_ESCAPE = "\x1b"


class Keyboard:
    """Which keys count as held.

    Args:
        hold_s: how long a motion key counts as held after it was last heard; longer than one control period, or a tap
            could fall between two ticks.
        tap_s: the same for keys that do something once; longer than the delay before a held key repeats, or holding
            Enter would start and stop.
    """

    def __init__(self, hold_s: float = 0.25, tap_s: float = 0.7) -> None:
        self._hold_s, self._tap_s = hold_s, tap_s
        self._until: dict[str, float] = {}
        self._engaged_until = 0.0
        self._escape = False

    def feed(self, characters: Iterable[str], now_s: float) -> None:
        """Take what the terminal sent; unknown keys and escape sequences (arrows) are ignored."""
        for character in characters:
            if self._in_escape(character):
                continue
            key = character.lower()
            if key == RELEASE_KEY:
                self._until.clear()
                self._engaged_until = now_s
            if key in MOTION_KEYS or key in _GRIPPER or key == HOLD_KEY:
                self._engaged_until = now_s + self._hold_s
            if key in MOTION_KEYS or key in _REPEATING:
                self._until[key] = now_s + (self._hold_s if key in MOTION_KEYS else self._hold_s / 5)
            elif key in BUTTON_KEYS:
                self._until[key] = now_s + self._tap_s

    def command(self, now_s: float) -> Command:
        """What the keys ask for now."""
        self._until = {key: until for key, until in self._until.items() if now_s < until}
        twist = np.zeros(len(AXES))
        pressed = {"deadman"} if now_s < self._engaged_until else set()
        for key in self._until:
            if key in MOTION_KEYS:
                axis, value = MOTION_KEYS[key]
                twist[AXES.index(axis)] = value
            else:
                pressed |= set(BUTTON_KEYS[key])
        return Command(twist, frozenset(pressed))

    def _in_escape(self, character: str) -> bool:
        """Whether the character belongs to a sequence such as ESC [ A; its letter must not move the arm."""
        if character == _ESCAPE:
            self._escape = True
        elif self._escape:
            self._escape = not (character.isalpha() or character == "~") or character == "O"
        else:
            return False
        return True
