"""A 3D mouse through pyspacemouse, which is imported only here and only when a 3D mouse is asked for.

Left button: dead-man, held. Right button: gripper, opens and closes in turn.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from crl_data.teleop.command import Command
from crl_data.teleop.errors import DeviceError

_MOST_REPORTS = 64
_INSTALL = "pip install 'pyspacemouse>=2.1', and the C library it needs: sudo apt install libhidapi-hidraw0"


class MouseDevice(Protocol):
    """What is used of pyspacemouse's device: `read` takes one waiting report and returns the state, stamped ``t``."""

    def read(self) -> Any: ...

    def close(self) -> None: ...


class SpaceMouse:
    """Turns the cap's displacement into a Command in the base frame.

    Args:
        device: an opened device, whose x points right, y away from the user and z up.
        errors: what the device raises when it is unplugged.
    """

    def __init__(self, device: MouseDevice, errors: tuple[type[Exception], ...] = (OSError,)) -> None:
        self._device, self._errors = device, errors
        self._stamp: float | None = None

    def read(self) -> Command:
        """The newest displacement and buttons. Raises DeviceError when the mouse is gone."""
        state = self._newest()
        left, right = (bool(b) for b in [*state.buttons, 0, 0][:2])
        # Seen from behind the arm: away from the user is ahead (x), to the right is -y.
        twist = np.array([state.y, -state.x, state.z, state.pitch, -state.roll, state.yaw], dtype=np.float64)
        pressed = {name for name, down in (("deadman", left), ("toggle", right)) if down}
        return Command(np.clip(twist, -1.0, 1.0), frozenset(pressed))  # a full push reads a little more than 1

    def close(self) -> None:
        """Release the device."""
        self._device.close()

    def _newest(self) -> Any:
        """Take all waiting reports: the mouse sends faster than it is asked, and old ones must not queue up."""
        try:
            state = self._device.read()
            for _ in range(_MOST_REPORTS):
                if state.t == self._stamp:
                    break
                self._stamp = state.t
                state = self._device.read()
        except self._errors as error:
            raise DeviceError(f"the 3D mouse is gone: {error}; plug it in again") from error
        return state


def open_spacemouse() -> SpaceMouse:
    """The first 3D mouse of this machine. Raises DeviceError naming what to install, plug in or allow."""
    try:
        import easyhid  # pyright: ignore[reportMissingImports]
        import pyspacemouse  # pyright: ignore[reportMissingImports]
        from pyspacemouse import AxisConvention  # pyright: ignore[reportMissingImports]
    except (ImportError, OSError) as error:
        raise DeviceError(f"3D mice need pyspacemouse 2.1 or later ({error}); {_INSTALL}") from error
    errors: tuple[type[Exception], ...] = (easyhid.HIDException, OSError)
    try:
        device = pyspacemouse.open(axis_convention=AxisConvention.HID_Z_UP)
    except (RuntimeError, AttributeError, ValueError, *errors) as error:
        raise DeviceError(
            f"no 3D mouse could be opened: {error}; plug it in, allow this user to read it (a udev rule for "
            f"/dev/hidraw*), or install what is missing: {_INSTALL}"
        ) from error
    return SpaceMouse(device, errors)
