"""Rings of numbered samples: a browser asks for those after the last one that it has."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from itertools import islice

KEPT = 3000
"""Samples of a series that a page which is opened late still gets: 5 minutes at 10 Hz."""


class Ring:
    """Rows of numbers with their time, newest last; row ``n`` of a run keeps its number for good."""

    def __init__(self, kept: int = KEPT) -> None:
        self._rows: deque[list[float | None]] = deque(maxlen=kept)
        self.count = 0
        """Rows ever added."""

    def add(self, time_s: float, values: Sequence[float]) -> None:
        """Add one row; what is not finite becomes null, which JSON can say."""
        self._rows.append([round(time_s, 3), *(_known(value) for value in values)])
        self.count += 1

    def since(self, number: int) -> list[list[float | None]]:
        """Rows from that number on, as far as they are kept."""
        missing = min(max(self.count - number, 0), len(self._rows))
        return list(islice(self._rows, len(self._rows) - missing, None))


def _known(value: float) -> float | None:
    return round(float(value), 4) if math.isfinite(value) else None
