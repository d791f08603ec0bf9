"""The registers of the X series servos that the driver uses, the models that it knows, and the words for their errors.

Source: ROBOTIS e-Manual, control tables of XM430-W350, XM540-W270 and XL430-W250.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

POSITION_MODE = 3
CURRENT_POSITION_MODE = 5
WATCHDOG_FIRMWARE = 38
WATCHDOG_UNIT_S = 0.02
WATCHDOG_TRIPPED = 0xFF
TIMED_PROFILE = 1 << 2
REVERSE = 1 << 0
NO_SHADOW = 255


@dataclass(frozen=True)
class Register:
    """Address and size in bytes; ``signed`` tells how the bytes are read."""

    name: str
    address: int
    size: int
    signed: bool = False

    def decode(self, data: bytes) -> int:
        """Bytes from the wire -> value."""
        return int.from_bytes(data, "little", signed=self.signed)

    def encode(self, value: int) -> bytes:
        """Value -> bytes for the wire."""
        return (value & ((1 << 8 * self.size) - 1)).to_bytes(self.size, "little")

    def within(self, start: int, data: bytes) -> int:
        """The value in ``data``, which was read from address ``start`` on."""
        at = self.address - start
        return self.decode(data[at : at + self.size])


FIRMWARE = Register("firmware", 6, 1)
BAUD = Register("baud_rate", 8, 1)
RETURN_DELAY = Register("return_delay", 9, 1)
DRIVE_MODE = Register("drive_mode", 10, 1)
OPERATING_MODE = Register("operating_mode", 11, 1)
SECONDARY_ID = Register("secondary_id", 12, 1)
HOMING_OFFSET = Register("homing_offset", 20, 4, signed=True)
TEMPERATURE_LIMIT = Register("temperature_limit", 31, 1)
PWM_LIMIT = Register("pwm_limit", 36, 2)
CURRENT_LIMIT = Register("current_limit", 38, 2)
VELOCITY_LIMIT = Register("velocity_limit", 44, 4)
MAX_POSITION = Register("max_position", 48, 4)
MIN_POSITION = Register("min_position", 52, 4)
SHUTDOWN = Register("shutdown", 63, 1)
TORQUE = Register("torque_enable", 64, 1)
STATUS_RETURN = Register("status_return", 68, 1)
HARDWARE_ERROR = Register("hardware_error", 70, 1)
WATCHDOG = Register("bus_watchdog", 98, 1)
GOAL_PWM = Register("goal_pwm", 100, 2, signed=True)
GOAL_CURRENT = Register("goal_current", 102, 2, signed=True)
PROFILE_ACCELERATION = Register("profile_acceleration", 108, 4)
PROFILE_VELOCITY = Register("profile_velocity", 112, 4)
GOAL_POSITION = Register("goal_position", 116, 4, signed=True)
EFFORT = Register("present_current_or_load", 126, 2, signed=True)
VELOCITY = Register("present_velocity", 128, 4, signed=True)
POSITION = Register("present_position", 132, 4, signed=True)
VOLTAGE = Register("present_voltage", 144, 2)
TEMPERATURE = Register("present_temperature", 146, 1)

SETTINGS_SPAN = (FIRMWARE.address, HARDWARE_ERROR.address + 1 - FIRMWARE.address)
"""One read from the firmware version to the hardware error: all of the EEPROM that matters, and the torque."""
STATE_SPAN = (EFFORT.address, 10)
"""Effort, velocity and position."""
HEALTH_SPAN = (EFFORT.address, TEMPERATURE.address + 1 - EFFORT.address)
"""Effort, voltage and temperature, with what lies between them."""


@dataclass(frozen=True)
class Model:
    """What differs between models; ``current`` tells whether the servo measures and limits its current."""

    number: int
    current: bool


MODELS: Mapping[str, Model] = {
    "XM430-W350": Model(1020, True),
    "XM540-W270": Model(1120, True),
    "XL430-W250": Model(1060, False),
}

_ERRORS = (
    (1 << 0, "input voltage out of range", "check the 12 V supply and its plug, and that no cable is bent"),
    (1 << 2, "overheated", "take the load off, let it cool below 60 degrees C, then reboot this motor"),
    (1 << 3, "encoder does not answer", "reboot this motor; if it comes back, the servo must be replaced"),
    (1 << 4, "electrical shock or too little power", "check supply and cables, then reboot this motor"),
    (1 << 5, "overloaded", "free the joint or lighten the load, hold the arm by hand, then reboot this motor"),
)


def hardware_errors(value: int) -> list[tuple[str, str]]:
    """Hardware error register -> what is wrong and what to do, one pair for each bit that is set."""
    found = [(what, advice) for bit, what, advice in _ERRORS if value & bit]
    rest = value & ~sum(bit for bit, _, _ in _ERRORS)
    if rest:
        found.append((f"unknown error bits 0x{rest:02x}", "look them up in the servo's manual, then reboot this motor"))
    return found
