"""Packets of DYNAMIXEL protocol 2.0: checksum, byte stuffing, and a parser for a stream that may be damaged.

Source: ROBOTIS e-Manual, "DYNAMIXEL Protocol 2.0".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

HEADER = b"\xff\xff\xfd"
BROADCAST = 0xFE
MAX_LENGTH = 1024
_POLYNOMIAL = 0x8005


class Instruction(IntEnum):
    """What a packet asks for."""

    PING = 0x01
    READ = 0x02
    WRITE = 0x03
    REG_WRITE = 0x04
    ACTION = 0x05
    REBOOT = 0x08
    STATUS = 0x55
    SYNC_READ = 0x82
    SYNC_WRITE = 0x83
    BULK_READ = 0x92
    BULK_WRITE = 0x93


class StatusError(IntEnum):
    """Error number in a status packet; bit 7 beside it is the hardware alert."""

    NONE = 0
    RESULT = 1
    INSTRUCTION = 2
    CRC = 3
    DATA_RANGE = 4
    DATA_LENGTH = 5
    DATA_LIMIT = 6
    ACCESS = 7


ALERT = 0x80


def _table() -> tuple[int, ...]:
    entries = []
    for byte in range(256):
        value = byte << 8
        for _ in range(8):
            value = (value << 1) ^ _POLYNOMIAL if value & 0x8000 else value << 1
        entries.append(value & 0xFFFF)
    return tuple(entries)


_CRC_TABLE = _table()


def crc16(data: bytes) -> int:
    """Checksum over everything of a packet before it (CRC-16/BUYPASS: polynomial 0x8005, start 0)."""
    value = 0
    for byte in data:
        value = ((value << 8) & 0xFFFF) ^ _CRC_TABLE[((value >> 8) ^ byte) & 0xFF]
    return value


def stuffed(body: bytes) -> bytes:
    """``body`` (instruction, error, parameters) with 0xFD put after each FF FF FD, which would look like a header."""
    return body.replace(HEADER, HEADER + b"\xfd")


def unstuffed(body: bytes) -> bytes:
    """Undo `stuffed`."""
    return body.replace(HEADER + b"\xfd", HEADER)


def encode(servo_id: int, body: bytes) -> bytes:
    """A whole packet around ``body``, its first byte the instruction."""
    body = stuffed(body)
    packet = HEADER + bytes([0, servo_id]) + (len(body) + 2).to_bytes(2, "little") + body
    return packet + crc16(packet).to_bytes(2, "little")


def status(servo_id: int, error: int, parameters: bytes = b"") -> bytes:
    """The answer of a servo."""
    return encode(servo_id, bytes([Instruction.STATUS, error]) + parameters)


@dataclass(frozen=True)
class Packet:
    """One instruction packet: whom it is for, what it asks, and the parameters without stuffing.

    ``intact`` is False when the checksum was wrong; a servo answers that with an error, or not at all.
    """

    servo_id: int
    instruction: int
    parameters: bytes
    intact: bool = True


class PacketStream:
    """Finds packets in bytes as they arrive; bytes that belong to none are skipped and counted."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.skipped = 0

    def feed(self, data: bytes) -> Iterator[Packet]:
        """The packets that are whole now."""
        self._buffer += data
        while (packet := self._next()) is not None:
            yield packet

    def clear(self) -> None:
        """Forget an unfinished packet: after a pause on the line a new one begins."""
        self.skipped += len(self._buffer)
        self._buffer.clear()

    def _next(self) -> Packet | None:
        while True:
            self._skip_to_header()
            if len(self._buffer) < 7:
                return None
            length = int.from_bytes(self._buffer[5:7], "little")
            if self._buffer[3] != 0 or not 3 <= length <= MAX_LENGTH:
                self._skip(1)
                continue
            if len(self._buffer) < 7 + length:
                return None
            return self._take(7 + length)

    def _take(self, size: int) -> Packet:
        raw = bytes(self._buffer[:size])
        del self._buffer[:size]
        body = unstuffed(raw[7:-2])
        return Packet(raw[4], body[0], body[1:], crc16(raw[:-2]) == int.from_bytes(raw[-2:], "little"))

    def _skip_to_header(self) -> None:
        found = self._buffer.find(HEADER)
        if found < 0:
            found = max(0, len(self._buffer) - 2)  # the last two bytes may begin a header
        self._skip(found)

    def _skip(self, count: int) -> None:
        self.skipped += count
        del self._buffer[:count]
