"""An absolute schedule on a monotonic clock, and how late its ticks were; or ticks when they are asked for."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from crl_robot.errors import ConfigError


@dataclass
class LatenessStats:
    """Lateness of the newest ticks in ms; a tick is missed when its whole period had passed before it could begin.

    One thread may tick while another asks.
    """

    samples_ms: deque[float] = field(default_factory=lambda: deque(maxlen=100_000))
    missed: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add(self, lateness_ms: float) -> None:
        """Note how late one tick began."""
        with self._lock:
            self.samples_ms.append(lateness_ms)

    def newest(self, count: int | None = None) -> list[float]:
        """So many of the newest in ms, or all that are kept; the newest first."""
        with self._lock:
            return list(islice(reversed(self.samples_ms), count))

    def summary(self, newest: int | None = None) -> dict[str, float]:
        """p50, p99 and max in ms of all ticks that are kept, or of the newest; zeros before the first tick.

        A loop that is asked while it runs gives only its newest: all of them take tens of milliseconds to sort.
        """
        samples = self.newest(newest)
        if not samples:
            return {"p50": 0.0, "p99": 0.0, "max": 0.0}
        p50, p99 = np.percentile(samples, [50, 99])
        return {"p50": float(p50), "p99": float(p99), "max": max(samples)}


class Schedule:
    """Ticks at start + k * period: one late tick does not move the next.

    A tick that could not begin within its own period is skipped and counted as missed, never run twice in a row to
    catch up.

    Args:
        period_s: time between ticks.
        clock: monotonic seconds.
        sleep: waits for that many seconds.
    """

    def __init__(
        self,
        period_s: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not (np.isfinite(period_s) and period_s > 0):
            raise ConfigError(f"period is {period_s} s, expected a time above 0")
        self.period_s = period_s
        self.stats = LatenessStats()
        self._clock, self._sleep = clock, sleep
        self.restart()

    def restart(self) -> None:
        """Make now the first tick; the statistics go on."""
        self._start = self._clock()
        self._next = 0

    def wait(self) -> float:
        """Sleep until the next tick is due; returns how late it is, in ms."""
        due = self._start + self._next * self.period_s
        now = self._clock()
        if now < due:
            self._sleep(due - now)
            now = self._clock()
        skipped = max(0, int((now - due) / self.period_s))
        self.stats.missed += skipped
        lateness_ms = max(0.0, (now - due - skipped * self.period_s) * 1e3)
        self.stats.add(lateness_ms)
        self._next += skipped + 1
        return lateness_ms


class OnDemand:
    """In place of a `Schedule`: a tick when somebody asks for one, however often before it began. Never late."""

    def __init__(self, patience_s: float = 0.1) -> None:
        self.stats = LatenessStats()
        self._patience_s = patience_s
        self._asked = threading.Event()

    def ask(self) -> None:
        """Let the next `wait` end at once; from any thread."""
        self._asked.set()

    def restart(self) -> None:
        """There is no first tick to set."""

    def wait(self) -> float:
        """Until asked, or until the patience is over, so that the caller can look whether to end; returns 0 ms late."""
        self._asked.wait(self._patience_s)
        self._asked.clear()
        self.stats.add(0.0)
        return 0.0
