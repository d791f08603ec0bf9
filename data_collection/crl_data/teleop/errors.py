"""What can go wrong with a device in the operator's hand."""

from __future__ import annotations

from crl_robot.errors import CrlError


class DeviceError(CrlError, RuntimeError):
    """A gamepad, 3D mouse or terminal is missing, was unplugged or cannot be read."""
