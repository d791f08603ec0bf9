"""The vendor's packet handler behind types of our own, on a port that nobody else has open.

The only module that imports `dynamixel_sdk`, which has no types. Three things are done differently from its own port:
time-outs run on the monotonic clock, waiting for bytes does not spin, and they fit the adapter's latency.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from crl_robot.errors import ArmError

SUCCESS, TIMEOUT = 0, -3001
LEAST_WRITE_S = 0.1
"""A busy computer may need as long to come back from a write, which pyserial then calls a time-out all the same."""
_STATUS_BYTES = 11
_ADAPTER = (0x0403, 0x6014)
_IN_USE = "it is already in use; end the other driver first"
_LOST = "the port is gone: check the USB cable and the adapter, then connect again"


class PortError(ArmError):
    """The port cannot be opened, is in use, or has gone."""


class SdkPort:
    """Sends instructions and takes status packets; one attempt each, raw results. Raises PortError when it is lost."""

    def __init__(self, path: str, baud: int, answer_s: float) -> None:
        self.path = path
        self._lock = _exclusive(path)
        try:
            self._port, self._packets = _open(path, baud, answer_s)
            fcntl.ioctl(self._lock, termios.TIOCEXCL)  # not sooner: the SDK has opened it once more by now
        except (OSError, termios.error) as error:
            os.close(self._lock)
            raise PortError(f"{path} cannot be opened: {error}; is it a serial port, and may you use it?") from error
        except PortError:
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Give the port back. Allowed at any time, any number of times."""
        if self._lock < 0:
            return
        with suppress(OSError, termios.error):  # it has gone, which is what was wanted
            self._port.closePort()
        os.close(self._lock)
        self._lock = -1

    def ping(self, servo_id: int) -> tuple[int, int, bytes]:
        """Result, error byte, and model number and firmware version (3 bytes)."""
        self._send(self._packets.txPacket, self._port, _instruction(servo_id, 1, b""))
        self._port.setPacketTimeout(_STATUS_BYTES + 3)
        return self._answer(servo_id, 3)

    def read(self, servo_id: int, address: int, size: int) -> tuple[int, int, bytes]:
        """Result, error byte and ``size`` bytes."""
        result = self._send(self._packets.readTx, self._port, servo_id, address, size)
        return self._answer(servo_id, size) if result == SUCCESS else (result, 0, b"")

    def write(self, servo_id: int, address: int, data: bytes) -> tuple[int, int, bytes]:
        """Result and error byte of a write that the servo confirms."""
        span = address.to_bytes(2, "little") + data
        self._send(self._packets.txPacket, self._port, _instruction(servo_id, 3, span))
        self._port.setPacketTimeout(_STATUS_BYTES)
        return self._answer(servo_id, 0)

    def reboot(self, servo_id: int) -> tuple[int, int, bytes]:
        """Result and error byte."""
        self._send(self._packets.txPacket, self._port, _instruction(servo_id, 8, b""))
        self._port.setPacketTimeout(_STATUS_BYTES)
        return self._answer(servo_id, 0)

    def sync_read_request(self, ids: Sequence[int], address: int, size: int) -> int:
        """Ask several servos for the same span; `next_answer` takes what comes, in the order of ``ids``."""
        return self._send(self._packets.syncReadTx, self._port, address, size, list(ids), len(ids), False)

    def next_answer(self, servo_id: int, size: int) -> tuple[int, int, bytes]:
        """Result, error byte and data of the next answer, which must be that of ``servo_id``."""
        return self._answer(servo_id, size)

    def sync_write(self, values: Mapping[int, bytes], address: int, size: int) -> int:
        """Write the same span of several servos; none of them confirms it."""
        data = [byte for servo_id, value in values.items() for byte in (servo_id, *value)]
        return self._send(self._packets.syncWriteTxOnly, self._port, address, size, data, len(data))

    def _send(self, call: Any, *arguments: Any) -> int:
        try:
            self._port.is_using = False  # the SDK leaves it set when an instruction could not be sent
            result = call(*arguments)
        except (OSError, termios.error) as error:
            raise PortError(f"{self.path}: {error}; {_LOST}") from error
        return SUCCESS if result is None else int(result[1] if isinstance(result, tuple) else result)

    def _answer(self, servo_id: int, size: int) -> tuple[int, int, bytes]:
        """One status packet. The SDK's own readers do not compare its length with what was asked for: they would take
        the checksum of an error packet, or the first bytes of another answer, for the data."""
        try:
            packet, result = self._packets.rxPacket(self._port, False)
        except (OSError, termios.error) as error:
            raise PortError(f"{self.path}: {error}; {_LOST}") from error
        if result != SUCCESS:
            return int(result), 0, b""
        got, length, error_byte = packet[4], packet[5] + 256 * packet[6] - 4, packet[8]
        if got != servo_id or (length != size and not (length == 0 and error_byte & 0x7F)):
            return WRONG_ANSWER, 0, b""
        return SUCCESS, error_byte, bytes(packet[9 : 9 + length])


WRONG_ANSWER = -1


def result_in_words(result: int) -> str:
    """What a result that is not SUCCESS means."""
    words = {TIMEOUT: "no answer", -3002: "damaged answer", -1001: "could not send", WRONG_ANSWER: "another's answer"}
    return words.get(result, f"communication result {result}")


def _instruction(servo_id: int, instruction: int, parameters: bytes) -> list[int]:
    """A packet for the SDK to stuff, sign and send; it fills in header and checksum."""
    length = len(parameters) + 3
    return [0, 0, 0, 0, servo_id, length & 0xFF, length >> 8, instruction, *parameters, 0, 0]


def _exclusive(path: str) -> int:
    """A descriptor that holds the lock on the port. Taken before the SDK opens it, which would disturb an owner."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        raise PortError(f"{path}: {os.strerror(error.errno or 0)}; {_advice(error)}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        in_use = (
            "it is already in use; end the other driver first" if isinstance(error, BlockingIOError) else str(error)
        )
        raise PortError(f"{path} cannot be taken: {in_use}") from error
    return descriptor


def _advice(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "is the adapter plugged in? `crl-robot doctor` lists the ports"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "you may not use it: add yourself to the group dialout and log in again, or install the udev rule"
    if error.errno == errno.EBUSY:
        return _IN_USE
    return "is it a serial port?"


def _open(path: str, baud: int, answer_s: float) -> tuple[Any, Any]:
    """The SDK's port and packet handlers. Raises PortError without the SDK, OSError when the port cannot be opened."""
    try:
        from dynamixel_sdk import PacketHandler, PortHandler  # pyright: ignore[reportMissingTypeStubs]
    except ModuleNotFoundError as error:
        raise PortError("dynamixel-sdk is not installed; pip install 'goal-image-control[widowx]'") from error

    class Port(PortHandler):
        def getCurrentTime(self) -> float:
            return time.monotonic() * 1e3

        def setPacketTimeout(self, packet_length: int) -> None:
            self.packet_start_time = self.getCurrentTime()
            self.packet_timeout = self.tx_time_per_byte * packet_length + answer_s * 1e3

        def readPort(self, length: int) -> bytes:
            left_s = (self.packet_start_time + self.packet_timeout - self.getCurrentTime()) / 1e3
            serial: Any = self.ser
            if left_s > 0:
                select.select([serial.fileno()], [], [], left_s)
            return serial.read(length) if length > 0 else b""

    port = Port(path)
    if not port.setBaudRate(baud):
        raise PortError(f"baud rate {baud} cannot be set on {path}, expected 1000000")
    serial: Any = port.ser
    serial.write_timeout = max(answer_s, LEAST_WRITE_S)  # one that takes nothing must not keep the arm's lock for ever
    return port, PacketHandler(2.0)


def latency_timer_ms(path: str) -> int | None:
    """Latency timer of the USB adapter behind ``path`` in ms, None where it has none."""
    name = Path(path).resolve().name
    file = Path("/sys/bus/usb-serial/devices") / name / "latency_timer"
    try:
        return int(file.read_text().strip())
    except (OSError, ValueError):
        return None


def serial_ports() -> list[tuple[str, bool, str]]:
    """Serial ports of this computer: path, whether it is the arms' adapter (FTDI 0403:6014), and a description."""
    from serial.tools import list_ports

    return [(p.device, (p.vid, p.pid) == _ADAPTER, p.description or "") for p in sorted(list_ports.comports())]
