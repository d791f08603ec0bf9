"""A gamepad through Linux's joystick interface (/dev/input/js*), where the ROS package `joy` is not installed.

The kernel sends 8 bytes for each change, and once for each axis and button when the device is opened: time in ms
(uint32), value (int16), type (1 button, 2 axis, +128 in that first round), number (Documentation/input/joydev in the
kernel's sources). Directions have the signs that ROS's own `joy` gives them: left and up are positive.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

from crl_data.teleop.errors import DeviceError

_EVENT = struct.Struct("=IhBB")
_BUTTON, _AXIS, _INITIAL = 0x01, 0x02, 0x80
_FULL = 32767
_MOST = 64


class Joystick:
    """Keeps the newest value of every axis (-1..1) and button (0 or 1).

    Raises:
        DeviceError: the device is missing, may not be read, or goes away.
    """

    def __init__(self, path: str | Path = "/dev/input/js0") -> None:
        self._path = Path(path)
        self._rest = b""
        self.axes: list[float] = []
        self.buttons: list[int] = []
        try:
            self._fd = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            raise DeviceError(f"gamepad {self._path} cannot be opened: {error.strerror}; {_advice(error)}") from error

    def poll(self) -> bool:
        """Take all changes since the last call; returns whether there were any."""
        changed = False
        while data := self._read():
            data = self._rest + data
            whole = len(data) - len(data) % _EVENT.size
            self._rest = data[whole:]
            for _, value, kind, number in _EVENT.iter_unpack(data[:whole]):
                self._take(value, kind & ~_INITIAL, number)
                changed = True
        return changed

    def close(self) -> None:
        """Release the device; may be called again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _read(self) -> bytes:
        try:
            data = os.read(self._fd, _EVENT.size * _MOST)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise DeviceError(f"gamepad {self._path} is gone: {error.strerror}; plug it in again") from error
        if not data:
            raise DeviceError(f"gamepad {self._path} is gone: it sends nothing any more; plug it in again")
        return data

    def _take(self, value: int, kind: int, number: int) -> None:
        if kind == _AXIS and number < _MOST:
            _grow(self.axes, number, 0.0)
            self.axes[number] = max(-1.0, min(1.0, -value / _FULL))
        elif kind == _BUTTON and number < _MOST:
            _grow(self.buttons, number, 0)
            self.buttons[number] = int(value != 0)


def _advice(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "add yourself to the group 'input': sudo usermod -aG input $USER, then log in again"
    found = ", ".join(connected())
    if found:
        return f"found: {found}; name one by the node's parameter: -p device:=... (launch: joystick:=...)"
    return "no gamepad was found; plug it in, or move the arm by keys: python -m crl_data.nodes.keyboard_node"


def connected() -> list[str]:
    """The joystick devices of this machine."""
    return sorted(str(path) for path in Path("/dev/input").glob("js*"))


def _grow(values: list[Any], number: int, zero: float) -> None:
    values.extend([zero] * (number + 1 - len(values)))
