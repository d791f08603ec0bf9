"""The bytes behind a servo's control table: signed values by name, and reads of any span."""

from __future__ import annotations

from crl_robot.emulators.servo_bus.registers import REGISTERS, TABLE_SIZE


class Memory:
    """147 bytes, little endian; values are signed where the register is wide enough to need it."""

    def __init__(self) -> None:
        self._bytes = bytearray(TABLE_SIZE)
        for name, register in REGISTERS.items():
            self[name] = register.initial

    def __getitem__(self, name: str) -> int:
        register = REGISTERS[name]
        raw = self._bytes[register.address : register.address + register.size]
        return int.from_bytes(raw, "little", signed=_signed(name))

    def __setitem__(self, name: str, value: int) -> None:
        register = REGISTERS[name]
        raw = (value & ((1 << 8 * register.size) - 1)).to_bytes(register.size, "little")
        self._bytes[register.address : register.address + register.size] = raw

    def read(self, address: int, size: int) -> bytes:
        """A span as it goes on the wire."""
        return bytes(self._bytes[address : address + size])


def decode(name: str, raw: bytes) -> int:
    """The value of register ``name`` in ``raw``."""
    return int.from_bytes(raw, "little", signed=_signed(name))


def _signed(name: str) -> bool:
    return REGISTERS[name].size == 4 or name in ("present_current", "present_pwm", "goal_pwm", "goal_current")
