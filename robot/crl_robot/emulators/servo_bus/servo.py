"""One servo: its registers, its rules for writing them, its watchdog, its errors and the motion of its set point."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from crl_robot.emulators.servo_bus.memory import Memory, decode
from crl_robot.emulators.servo_bus.packets import ALERT, StatusError
from crl_robot.emulators.servo_bus.profile import TICKS_PER_S, TICKS_PER_S2, Profile
from crl_robot.emulators.servo_bus.registers import (
    MODELS,
    OVERWRITTEN_BY_REBOOT,
    REGISTERS,
    TABLE_SIZE,
    touched,
)
from crl_robot.emulators.servo_bus.rules import WATCHDOG_TRIPPED, refusal

OVERHEATED, OVERLOADED, VOLTAGE = 1 << 2, 1 << 5, 1 << 0
WATCHDOG_UNIT_S = 0.02
REBOOT_S = 0.3
_TICKS_PER_RAD = 2048 / math.pi
_STEADY_C = 35


@dataclass(frozen=True)
class ServoSpec:
    """A servo as it was built in.

    Attributes:
        servo_id, model: its ID and its model's name.
        joint: index of the joint of the plant that it turns.
        mounted_reverse: built in the other way round; with bit 0 of the drive mode set alike, ticks count forward.
        registers: EEPROM values that differ from those of a new servo.
        goal_without_torque: whether a goal position written while torque is off is kept until torque comes on.
    """

    servo_id: int
    model: str
    joint: int
    mounted_reverse: bool = False
    registers: dict[str, int] = field(default_factory=dict)
    goal_without_torque: Literal["kept", "ignored"] = "kept"


class Servo:
    """One servo on the bus; positions in ticks of its own frame, ``angle`` in rad of the joint."""

    def __init__(self, spec: ServoSpec, angle: float = 0.0, firmware: int = 45) -> None:
        self.spec = spec
        self.memory = Memory()
        self.model = MODELS[spec.model]
        for name, value in {"model_number": self.model.number, "firmware": firmware, "id": spec.servo_id}.items():
            self.memory[name] = value
        for name, value in {"velocity_limit": 131, "return_delay": 0, **spec.registers}.items():
            self.memory[name] = value
        self.temperature, self.voltage = _STEADY_C, 120
        self._silent_s = self._booting_s = 0.0
        self._registered: tuple[int, bytes] | None = None
        self._sense(angle, 0.0)
        self.profile = Profile(self.memory["present_position"])
        self._fresh_ram()

    @property
    def present(self) -> bool:
        """Whether it answers; a servo that boots does not."""
        return self._booting_s <= 0

    @property
    def torque(self) -> bool:
        return self.present and bool(self.memory["torque_enable"])

    @property
    def tripped(self) -> bool:
        return self.memory["bus_watchdog"] == WATCHDOG_TRIPPED

    @property
    def set_point(self) -> float | None:
        """Angle of the joint (rad) that it drives to, None while torque is off."""
        return self._angle(self.profile.position) if self.torque else None

    @property
    def alert(self) -> int:
        return ALERT if self.memory["hardware_error"] else 0

    def heard(self) -> None:
        """Any instruction packet on the bus feeds the watchdog, whomever it is for."""
        self._silent_s = 0.0

    def advance(self, dt: float) -> None:
        """Let ``dt`` s pass: watchdog, profile and, after a reboot, the start."""
        if not self.present:
            self._booting_s -= dt
            return
        if self.torque and 0 < self.memory["bus_watchdog"] < WATCHDOG_TRIPPED:
            self._silent_s += dt
            if self._silent_s > self.memory["bus_watchdog"] * WATCHDOG_UNIT_S:
                self._trip()
        if self.torque and not self.tripped:
            self._move(dt)
        self._warm()

    def sense(self, angle: float, velocity: float) -> None:
        """Take what the plant did: ``angle`` rad and ``velocity`` rad/s of the joint."""
        self._sense(angle, velocity)
        if not self.torque:
            self.profile.stop(self.memory["present_position"])

    def place(self, angle: float) -> None:
        """Somebody switched the torque off and turned the joint to ``angle`` rad; nothing is left to do there."""
        self._store("torque_enable", 0)
        self._sense(angle, 0.0)
        self.memory["goal_position"] = self.memory["present_position"]
        self.profile.stop(self.memory["present_position"])

    def read(self, address: int, size: int) -> tuple[int, bytes]:
        """Error number and the bytes of a span."""
        if size < 1 or address + size > TABLE_SIZE:
            return StatusError.DATA_LENGTH, b""
        return StatusError.NONE, self.memory.read(address, size)

    def write(self, address: int, data: bytes) -> int:
        """Write whole registers, all or none; returns the error number."""
        names = touched(address, len(data))
        spans = [(n, REGISTERS[n].address - address, REGISTERS[n].size) for n in names]
        if not names or spans[0][1] < 0 or spans[-1][1] + spans[-1][2] > len(data):
            return StatusError.ACCESS if not names else StatusError.DATA_LENGTH
        values = {name: decode(name, data[start : start + size]) for name, start, size in spans}
        for name, value in values.items():
            if (error := refusal(self.memory, self.model, name, value)) is not StatusError.NONE:
                return error
        for name, value in values.items():
            self._store(name, value)
        return StatusError.NONE

    def register(self, address: int, data: bytes) -> int:
        """Keep a write until `act`."""
        self._registered = (address, data)
        self.memory["registered"] = 1
        return StatusError.NONE

    def act(self) -> None:
        """Carry out what was registered."""
        if self._registered is not None:
            self.write(*self._registered)
        self._registered = None
        self.memory["registered"] = 0

    def reboot(self) -> None:
        """Lose torque, errors and everything in RAM, and be deaf for a while."""
        for name in OVERWRITTEN_BY_REBOOT:
            if not name.startswith("present_"):
                self.memory[name] = REGISTERS[name].initial
        self._booting_s = REBOOT_S
        self._fresh_ram()

    def fail(self, bits: int) -> None:
        """Raise bits of the hardware error status; those that the shutdown register names take the torque away."""
        self.memory["hardware_error"] = self.memory["hardware_error"] | bits
        if bits & self.memory["shutdown"]:
            self._store("torque_enable", 0)

    def _fresh_ram(self) -> None:
        self.memory["goal_pwm"] = self.memory["pwm_limit"]
        self.memory["goal_current"] = self.memory["current_limit"] if self.model.current else 0
        self.memory["goal_velocity"] = self.memory["velocity_limit"]
        self.memory["goal_position"] = self.memory["present_position"]
        self.profile.stop(self.memory["present_position"])

    def _store(self, name: str, value: int) -> None:
        off = not self.torque
        if name == "goal_position" and off and self.spec.goal_without_torque == "ignored":
            return
        was_tripped = self.tripped
        self.memory[name] = value
        if name == "goal_position" and not off:
            self.profile.aim(value)
        if name == "torque_enable" and off and value:
            self.profile.stop(self.memory["present_position"])
            self.profile.aim(self.memory["goal_position"])
        if name == "bus_watchdog":
            self._silent_s = 0.0
            if was_tripped and not value:  # the worst a servo could do: it goes on to where it was going
                self.profile.aim(self.memory["goal_position"])
        if name == "torque_enable" and not value:
            self.profile.stop(self.memory["present_position"])

    def _trip(self) -> None:
        self.memory["bus_watchdog"] = WATCHDOG_TRIPPED
        self.profile.stop(self.memory["present_position"])

    def _move(self, dt: float) -> None:
        speed, ramp = self.memory["profile_velocity"], self.memory["profile_acceleration"]
        if self.memory["drive_mode"] & 4:
            self.profile.advance_timed(dt, speed / 1e3, ramp / 1e3)
            return
        limit = self.memory["velocity_limit"]
        self.profile.advance(dt, min(speed or limit, limit) * TICKS_PER_S, ramp * TICKS_PER_S2)

    def _warm(self) -> None:
        self.memory["present_temperature"] = self.temperature
        self.memory["present_voltage"] = self.voltage
        if self.temperature > self.memory["temperature_limit"] and not self.memory["hardware_error"] & OVERHEATED:
            self.fail(OVERHEATED)
        if not self.memory["min_voltage"] <= self.voltage <= self.memory["max_voltage"]:
            self.memory["hardware_error"] = self.memory["hardware_error"] | VOLTAGE

    def _sense(self, angle: float, velocity: float) -> None:
        ticks = 2048 + self._sign * angle * _TICKS_PER_RAD + self.memory["homing_offset"]
        self.memory["present_position"] = round(ticks)
        speed = self._sign * velocity * _TICKS_PER_RAD
        self.memory["present_velocity"] = round(speed / TICKS_PER_S)
        self.memory["moving"] = int(abs(speed) > self.memory["moving_threshold"] * TICKS_PER_S)
        lag = (self.profile.position - ticks) if hasattr(self, "profile") and self.torque else 0.0
        self.memory["present_current"] = max(-1000, min(1000, round(2 * lag)))

    @property
    def _sign(self) -> int:
        return 1 if bool(self.memory["drive_mode"] & 1) == self.spec.mounted_reverse else -1

    def _angle(self, ticks: float) -> float:
        return self._sign * (ticks - 2048 - self.memory["homing_offset"]) / _TICKS_PER_RAD
