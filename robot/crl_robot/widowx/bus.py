"""Reads and writes registers of servos by name: retries a bounded number of times, and never makes up a value.

Servo packets carry no sequence number, so an answer that comes too late looks like the answer to the next question.
After any failed exchange the bus is therefore brought in step first: one servo is asked for a number of bytes that
nobody was asked for lately, and what comes before that answer is thrown away.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle

from crl_robot.errors import ArmError
from crl_robot.widowx.control_table import Register
from crl_robot.widowx.port import SUCCESS, TIMEOUT, SdkPort, result_in_words
from crl_robot.widowx.settings import ServoArmSettings

ALERT = 0x80
_ERROR_WORDS = {
    1: "the instruction could not be carried out",
    2: "unknown instruction",
    3: "the servo got a damaged packet",
    4: "value out of range, or a goal while the bus watchdog is tripped",
    5: "wrong number of bytes",
    6: "value beyond its limit",
    7: "the register cannot be written now (EEPROM needs torque off) or at all",
}
_STALE_ANSWERS = 64
_FENCE_SIZES = range(11, 60)
"""Numbers of bytes to get in step by; no other read has one of these."""


class NoAnswerError(ArmError):
    """A servo did not answer, or not in one piece, in any of the attempts."""


class RefusedError(ArmError):
    """A servo answered that it does not do what was asked; ``number`` is the error of the protocol."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.number = number


class Bus:
    """The servos of one port. ``counts`` tells how often what went wrong; ``alerts`` the IDs with a hardware error.

    ``longest_silence_s`` is the longest time without an instruction since somebody set it to 0; infinite after an
    exchange that failed.
    """

    def __init__(self, port: SdkPort, fences: Sequence[int], settings: ServoArmSettings) -> None:
        self.counts: Counter[str] = Counter()
        self.alerts: set[int] = set()
        self.longest_silence_s = 0.0
        self._last_sent_s = time.monotonic()
        self._port, self._fences, self._retries = port, tuple(fences), settings.retries
        self._in_step = True
        self._fence_sizes = cycle(_FENCE_SIZES)

    def close(self) -> None:
        """Give the port back."""
        self._port.close()

    def ping(self, servo_id: int) -> int:
        """Model number. Raises NoAnswerError."""
        data = self._exchange(f"ping of ID {servo_id}", servo_id, lambda: self._port.ping(servo_id))
        return int.from_bytes(data[:2], "little")

    def answers(self, servo_id: int) -> bool:
        """Whether a servo answers a single ping, which may be lost without being an error."""
        if not self._step():
            return False
        self._sent()
        result, _, _ = self._port.ping(servo_id)
        self._in_step = result == SUCCESS
        return self._in_step

    def read(self, servo_id: int, register: Register) -> int:
        """Raises NoAnswerError or RefusedError."""
        return register.decode(self.read_span(servo_id, register.address, register.size))

    def read_span(self, servo_id: int, address: int, size: int) -> bytes:
        """``size`` bytes from ``address`` on. Raises NoAnswerError or RefusedError."""
        what = f"reading address {address} of ID {servo_id}"
        return self._exchange(what, servo_id, lambda: self._port.read(servo_id, address, size))

    def write(self, servo_id: int, register: Register, value: int) -> None:
        """Write one register and have it confirmed. Raises NoAnswerError or RefusedError."""
        data = register.encode(value)
        what = f"writing {register.name}={value} to ID {servo_id}"
        self._exchange(what, servo_id, lambda: self._port.write(servo_id, register.address, data))

    def reboot(self, servo_id: int) -> None:
        """Restart a servo; asked once, because the answer may be lost while the servo has gone down already."""
        self._in_step = False
        self._sent()
        self._port.reboot(servo_id)
        self.alerts.discard(servo_id)

    def sync_read(self, ids: Sequence[int], address: int, size: int) -> tuple[dict[int, bytes], int]:
        """The same span of several servos, all sampled at once, and when they were asked (ns, monotonic).

        Raises NoAnswerError naming the servo unless every one of them answered in full in the same attempt.
        """
        failure = ""
        for attempt in range(self._retries + 1):
            self._count_retry(attempt)
            if not self._step():
                failure = "no servo answers"
                continue
            self._sent()
            result = self._port.sync_read_request(ids, address, size)
            asked_ns = time.monotonic_ns()
            answers: dict[int, bytes] = {}
            for servo_id in ids if result == SUCCESS else ():
                result, error, data = self._port.next_answer(servo_id, size)
                if result != SUCCESS or error & ~ALERT:
                    failure = f"ID {servo_id}: {self._failure(result, error)}"
                    break
                self._note_alert(servo_id, error)
                answers[servo_id] = data
            if len(answers) == len(ids):
                return answers, asked_ns
            self._in_step = False
        raise self._gave_up(f"reading address {address} of IDs {list(ids)}", failure)

    def sync_write(self, register: Register, values: Mapping[int, int]) -> None:
        """Write one register of several servos; they do not confirm it. Raises ArmError when it cannot be sent."""
        self._sent()
        data = {servo_id: register.encode(value) for servo_id, value in values.items()}
        result = self._port.sync_write(data, register.address, register.size)
        if result != SUCCESS:
            raise ArmError(f"{register.name} could not be sent: {result_in_words(result)}")

    def _exchange(self, what: str, servo_id: int, send: Callable[[], tuple[int, int, bytes]]) -> bytes:
        failure = ""
        for attempt in range(self._retries + 1):
            self._count_retry(attempt)
            if not self._step():
                failure = "no servo answers"
                continue
            self._sent()
            result, error, data = send()
            if result == SUCCESS and not error & ~ALERT:
                self._note_alert(servo_id, error)
                return data
            failure = self._failure(result, error)
            if result == SUCCESS and error & ~ALERT != 3:
                raise RefusedError(f"{what} was refused: {failure}", error & ~ALERT)
            self._in_step = False
        raise self._gave_up(what, failure)

    def _step(self) -> bool:
        """Whether the next answer will be that to the next question; after a failure by asking until one is."""
        for servo_id in () if self._in_step else self._fences[:2]:
            size = next(self._fence_sizes)
            self._sent()
            result, _, _ = self._port.read(servo_id, 0, size)
            for _ in range(_STALE_ANSWERS):
                if result in (SUCCESS, TIMEOUT):
                    break
                self.counts["stale"] += 1
                result, _, _ = self._port.next_answer(servo_id, size)
            if result == SUCCESS:
                self._in_step = True
                break
        return self._in_step

    def _sent(self) -> None:
        now = time.monotonic()
        self.longest_silence_s = max(self.longest_silence_s, now - self._last_sent_s)
        self._last_sent_s = now

    def _count_retry(self, attempt: int) -> None:
        self.counts["retried"] += int(attempt > 0)

    def _note_alert(self, servo_id: int, error: int) -> None:
        if error & ALERT:
            self.alerts.add(servo_id)
        else:
            self.alerts.discard(servo_id)

    def _failure(self, result: int, error: int) -> str:
        if result != SUCCESS:
            self.counts["no_answer" if result == TIMEOUT else "damaged"] += 1
            return result_in_words(result)
        self.counts["refused"] += 1
        return _ERROR_WORDS.get(error & ~ALERT, f"error {error & ~ALERT}")

    def _gave_up(self, what: str, failure: str) -> NoAnswerError:
        self.counts["failed"] += 1
        self.longest_silence_s = math.inf  # the servos may not have heard anything
        return NoAnswerError(
            f"{what} failed {self._retries + 1} times, last: {failure}; check the 12 V supply and the servo cables, "
            "then run `crl-robot doctor`"
        )
