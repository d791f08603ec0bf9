"""The line: a pseudo-terminal that a driver opens like a serial port, with the bus at its other end in a thread."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from crl_robot.emulators.servo_bus.bus import ServoBus
from crl_robot.emulators.servo_bus.packets import PacketStream

BITS_PER_BYTE = 10
_TICK_S = 0.002
_LONGEST_STEP_S = 0.02
_PAUSE_S = 0.05
"""Silence after which an unfinished packet is forgotten."""


class ManualClock:
    """Seconds that pass only when told, for tests that must not wait."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class EmulatedBus:
    """A `ServoBus` behind a pseudo-terminal; use it as a context manager, or `close` it.

    Args:
        bus: what hangs on the line. Touch it only inside `locked`.
        baud: bits per second that answers are delayed for, None to answer at once.
        clock: monotonic seconds; with a `ManualClock` time passes through `advance` alone.
        seed: of the bytes that faults drop and change.
    """

    def __init__(
        self,
        bus: ServoBus,
        baud: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        seed: int = 0,
    ) -> None:
        self._bus, self._baud, self._clock = bus, baud, clock
        self._lock = threading.RLock()
        self._rng = np.random.default_rng(seed)
        self._stream = PacketStream()
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)  # a client that does not read must not stop the bus
        self.path = os.ttyname(self._slave)
        self._now, self._heard = clock(), clock()
        self.stalled_s = 0.0
        """Time that this thread did not get to run, and that did not pass for the servos."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="servo bus", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def serving(self) -> bool:
        """Whether the line lives: until it is closed or unplugged, or its thread died of a bug."""
        return self._thread.is_alive()

    @contextlib.contextmanager
    def locked(self) -> Iterator[ServoBus]:
        """The bus, for looking at its registers and setting its faults while no instruction is carried out."""
        with self._lock:
            self._pass_time()
            yield self._bus

    def advance(self, seconds: float) -> None:
        """Let time pass on a `ManualClock`."""
        if not isinstance(self._clock, ManualClock):
            raise TypeError("the bus runs on the real clock; give it a ManualClock to advance it by hand")
        with self._lock:
            self._clock.now += seconds
            self._pass_time()

    def unplug(self) -> None:
        """Take the adapter out: whoever has the port open gets I/O errors from now on."""
        self._stop()
        with self._lock:
            os.close(self._slave)
            os.close(self._master)
            self._master = self._slave = -1

    def close(self) -> None:
        """End the thread and remove the port."""
        if self._master >= 0:
            self.unplug()

    def link(self, path: Path) -> None:
        """Make ``path`` a link to the port, for drivers that are given a fixed name."""
        path.unlink(missing_ok=True)
        path.symlink_to(self.path)

    def _stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _serve(self) -> None:
        while not self._stopping.is_set():
            ready, _, _ = select.select([self._master], [], [], _TICK_S)
            arrived = time.monotonic()
            data = os.read(self._master, 4096) if ready else b""
            with self._lock:
                self._pass_time()
                answer, delay = self._take(data)
            if answer:
                self._wait_until(arrived + delay)
                with contextlib.suppress(BlockingIOError):
                    os.write(self._master, answer)

    def _take(self, data: bytes) -> tuple[bytes, float]:
        """What goes back on the line for ``data``, and how long that takes on a real one."""
        now = self._clock()
        if data and now - self._heard > _PAUSE_S:
            self._stream.clear()
        self._heard = now if data else self._heard
        answers = [answer for packet in self._stream.feed(data) for answer in self._bus.handle(packet)]
        size = len(data) + sum(map(len, answers))
        wire_s = size * BITS_PER_BYTE / self._baud if self._baud else 0.0
        delay = wire_s + self._bus.faults.delay_s + self._return_delay(len(answers))
        return self._damaged(b"".join(answers)), delay

    def _return_delay(self, answers: int) -> float:
        if not self._baud or not answers:
            return 0.0
        return answers * 2e-6 * max(s.memory["return_delay"] for s in self._bus.servos.values())

    def _damaged(self, answer: bytes) -> bytes:
        """``answer`` with bytes lost and changed as the faults ask for."""
        faults = self._bus.faults
        if not answer or not (faults.drop or faults.corrupt):
            return answer
        raw = np.frombuffer(answer, dtype=np.uint8).copy()
        change = self._rng.random(len(raw)) < faults.corrupt
        raw[change] ^= self._rng.integers(1, 256, int(change.sum()), dtype=np.uint8)
        return raw[self._rng.random(len(raw)) >= faults.drop].tobytes()

    def _pass_time(self) -> None:
        """A stall of this thread is not a silence of the driver: beyond 20 ms it does not pass for the servos."""
        now = self._clock()
        passed = now - self._now
        if not isinstance(self._clock, ManualClock):
            self.stalled_s += max(0.0, passed - _LONGEST_STEP_S)
            passed = min(passed, _LONGEST_STEP_S)
        self._bus.advance(passed)
        self._now = now

    def _wait_until(self, due: float) -> None:
        """Sleep, and spin through the last part of it where sleeping is too coarse for the timing of the wire."""
        while (left := due - time.monotonic()) > 0:
            if left > 2e-4:
                time.sleep(left - 1e-4)
