"""Memory, open files and threads of one process, second by second: does it leak?"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from crl_data.bench.process_usage import Usage, growth_mb_per_minute, sample

PERIOD_S = 1.0
MAX_GROWTH_MB = 20.0
MAX_MORE = 2
"""Files or threads that may be more at the end than at the beginning: a connection that is just made."""


@dataclass
class UsageLog:
    """Samples of one process, at most one a second.

    Attributes:
        pid: tells the process.
        samples: memory and threads.
        files: open file descriptors at the same moments.
    """

    pid: Callable[[], int]
    samples: list[Usage] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    def look(self) -> None:
        """Take a sample where it is time. Raises OSError when the process has ended."""
        if self.samples and time.monotonic() - self.samples[-1].time_s < PERIOD_S:
            return
        self.samples.append(sample(self.pid()))
        self.files.append(sum(1 for _ in Path(f"/proc/{self.pid()}/fd").iterdir()))

    def facts(self) -> dict[str, float]:
        """Begin is a tenth into the samples, when buffers are filled; each number is a median of a tenth of them."""
        tenth = max(1, len(self.samples) // 10)
        threads = [one.threads for one in self.samples]
        memory = [one.memory_mb for one in self.samples]
        facts = {"memory_growth_mb_per_minute": round(growth_mb_per_minute(self.samples), 3)}
        for name, values in (("memory_mb", memory), ("files", self.files), ("threads", threads)):
            facts[f"{name}_begin"] = _median(values[tenth : 2 * tenth] or values)
            facts[f"{name}_end"] = _median(values[-tenth:])
            facts[f"{name}_max"] = round(max(values), 1)
        return facts


def leaks(facts: dict[str, float]) -> bool:
    """Whether the process holds more at the end than at the beginning."""
    more = max(facts[f"{name}_end"] - facts[f"{name}_begin"] for name in ("files", "threads"))
    return more > MAX_MORE or facts["memory_mb_end"] - facts["memory_mb_begin"] > MAX_GROWTH_MB


def _median(values: Sequence[float]) -> float:
    return round(float(np.median(values)), 1)
