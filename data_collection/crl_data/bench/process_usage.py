"""Memory and processor time of other processes, second by second, as Linux counts them."""

from __future__ import annotations

import itertools
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """One sample of one process.

    Attributes:
        time_s: monotonic.
        cpu_s: processor time used since its start.
        memory_mb: resident memory of its own, without what it shares (the frames' shared-memory segment).
        resident_mb: all resident memory.
        threads: number of threads.
    """

    time_s: float
    cpu_s: float
    memory_mb: float
    resident_mb: float
    threads: int


def sample(pid: int) -> Usage:
    """Raises OSError when the process has ended."""
    folder = Path("/proc", str(pid))
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    lines = (line.partition(":") for line in (folder / "status").read_text().splitlines())
    status = {name: value.split() for name, _, value in lines}
    cpu_s = (int(fields[11]) + int(fields[12])) / _TICKS
    own, resident = (int(status[name][0]) / 1000 for name in ("RssAnon", "VmRSS"))
    return Usage(time.monotonic(), cpu_s, own, resident, int(status["Threads"][0]))


def cpu_shares(samples: list[Usage]) -> list[float]:
    """Cores used between each two samples."""
    pairs = itertools.pairwise(samples)
    return [(after.cpu_s - before.cpu_s) / (after.time_s - before.time_s) for before, after in pairs]


def growth_mb_per_minute(samples: list[Usage]) -> float:
    """Slope of a line through the memory of the last three quarters: buffers fill in the first."""
    later = samples[len(samples) // 4 :]
    if len(later) < 3:
        return 0.0
    slope, _ = np.polyfit([s.time_s / 60 for s in later], [s.memory_mb for s in later], 1)
    return float(slope)
