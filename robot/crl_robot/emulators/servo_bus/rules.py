"""Which values a servo takes into its registers, and with which error it refuses the others."""

from __future__ import annotations

import math

from crl_robot.emulators.servo_bus.memory import Memory
from crl_robot.emulators.servo_bus.packets import StatusError
from crl_robot.emulators.servo_bus.registers import GOALS, REGISTERS, Model

WATCHDOG_TRIPPED = 0xFF
WATCHDOG_SINCE_FIRMWARE = 38
_LONGEST_WATCHDOG = 127
_POSITION_MODE = 3


def refusal(memory: Memory, model: Model, name: str, value: int) -> StatusError:
    """The error for writing ``value`` to register ``name`` now; NONE when it is taken."""
    register = REGISTERS[name]
    unsupported = name == "goal_current" and not model.current
    old = name == "bus_watchdog" and memory["firmware"] < WATCHDOG_SINCE_FIRMWARE
    if not register.writable or unsupported or old or (register.eeprom and memory["torque_enable"]):
        return StatusError.ACCESS
    if name in GOALS and memory["bus_watchdog"] == WATCHDOG_TRIPPED:
        return StatusError.DATA_RANGE
    if name == "operating_mode" and value not in model.modes:
        return StatusError.DATA_RANGE
    if name == "bus_watchdog" and value > _LONGEST_WATCHDOG:
        return StatusError.DATA_RANGE
    if register.low is not None and register.high is not None and not register.low <= value <= register.high:
        return StatusError.DATA_RANGE
    low, high = _goal_range(memory, name)
    if not low <= value <= high:
        return StatusError.DATA_LIMIT
    if name == "torque_enable" and value and memory["hardware_error"] & memory["shutdown"]:
        return StatusError.RESULT
    return StatusError.NONE


def _goal_range(memory: Memory, name: str) -> tuple[float, float]:
    if name == "goal_position" and memory["operating_mode"] == _POSITION_MODE:
        return memory["min_position"], memory["max_position"]
    limits = {"goal_pwm": "pwm_limit", "goal_current": "current_limit", "goal_velocity": "velocity_limit"}
    if name in limits:
        return -memory[limits[name]], memory[limits[name]]
    return -math.inf, math.inf
