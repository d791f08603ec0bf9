"""The control table of the X series servos: where each register lies, and what it holds when a servo is new.

Source: ROBOTIS e-Manual, control tables of XM430-W350, XM540-W270 and XL430-W250.
"""

from __future__ import annotations

from dataclasses import dataclass

TABLE_SIZE = 147
RAM_START = 64


@dataclass(frozen=True)
class Register:
    """Address and size in bytes, and the value of a new servo; below 64 it is EEPROM, kept without power."""

    address: int
    size: int
    initial: int = 0
    writable: bool = True
    low: int | None = None
    high: int | None = None

    @property
    def eeprom(self) -> bool:
        return self.address < RAM_START


REGISTERS: dict[str, Register] = {
    "model_number": Register(0, 2, writable=False),
    "model_information": Register(2, 4, writable=False),
    "firmware": Register(6, 1, writable=False),
    "id": Register(7, 1, low=0, high=252),
    "baud_rate": Register(8, 1, 3, low=0, high=7),
    "return_delay": Register(9, 1, 250, low=0, high=254),
    "drive_mode": Register(10, 1, low=0, high=13),
    "operating_mode": Register(11, 1, 3, low=0, high=16),
    "secondary_id": Register(12, 1, 255),
    "protocol": Register(13, 1, 2, low=1, high=2),
    "homing_offset": Register(20, 4),
    "moving_threshold": Register(24, 4, 10),
    "temperature_limit": Register(31, 1, 80, low=0, high=100),
    "max_voltage": Register(32, 2, 160),
    "min_voltage": Register(34, 2, 95),
    "pwm_limit": Register(36, 2, 885, low=0, high=885),
    "current_limit": Register(38, 2, 1193, low=0, high=2047),
    "velocity_limit": Register(44, 4, 200, low=0, high=1023),
    "max_position": Register(48, 4, 4095, low=0, high=4095),
    "min_position": Register(52, 4, 0, low=0, high=4095),
    "shutdown": Register(63, 1, 52),
    "torque_enable": Register(64, 1, low=0, high=1),
    "led": Register(65, 1, low=0, high=1),
    "status_return": Register(68, 1, 2, low=0, high=2),
    "registered": Register(69, 1, writable=False),
    "hardware_error": Register(70, 1, writable=False),
    "velocity_i": Register(76, 2, 1920),
    "velocity_p": Register(78, 2, 100),
    "position_d": Register(80, 2),
    "position_i": Register(82, 2),
    "position_p": Register(84, 2, 800),
    "bus_watchdog": Register(98, 1),
    "goal_pwm": Register(100, 2),
    "goal_current": Register(102, 2),
    "goal_velocity": Register(104, 4),
    "profile_acceleration": Register(108, 4, low=0, high=32767),
    "profile_velocity": Register(112, 4, low=0, high=32767),
    "goal_position": Register(116, 4),
    "realtime_tick": Register(120, 2, writable=False),
    "moving": Register(122, 1, writable=False),
    "moving_status": Register(123, 1, writable=False),
    "present_pwm": Register(124, 2, writable=False),
    "present_current": Register(126, 2, writable=False),
    "present_velocity": Register(128, 4, writable=False),
    "present_position": Register(132, 4, writable=False),
    "velocity_trajectory": Register(136, 4, writable=False),
    "position_trajectory": Register(140, 4, writable=False),
    "present_voltage": Register(144, 2, writable=False),
    "present_temperature": Register(146, 1, writable=False),
}

GOALS = ("goal_pwm", "goal_current", "goal_velocity", "goal_position")
OVERWRITTEN_BY_REBOOT = tuple(name for name, register in REGISTERS.items() if not register.eeprom)


@dataclass(frozen=True)
class Model:
    """What differs between the models of servo; ``current`` tells whether it measures and controls its current."""

    number: int
    current: bool
    modes: tuple[int, ...]


MODELS: dict[str, Model] = {
    "XM430-W350": Model(1020, True, (0, 1, 3, 4, 5, 16)),
    "XM540-W270": Model(1120, True, (0, 1, 3, 4, 5, 16)),
    "XL430-W250": Model(1060, False, (1, 3, 4, 16)),
}


def touched(address: int, size: int) -> list[str]:
    """The registers that a span of addresses lies over, in order."""
    return [n for n, r in REGISTERS.items() if r.address < address + size and address < r.address + r.size]
