"""The control ticks of a run as rows of numbers, made as they come: when hours are over nothing is read again."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crl_data.growing import GrowingArray
from crl_data.told import PROGRESS_VALUES

Tick = Mapping[str, Any]
SINGLE = tuple(name for name in PROGRESS_VALUES if name != "distances")
"""What a tick tells in one number each."""


class ToldTicks:
    """Ticks as on policy/progress, in the order in which they came.

    Args:
        folder: as of `GrowingArray`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._stamps = GrowingArray(np.int64, (2,), folder)
        self._numbers = GrowingArray(np.float64, (len(SINGLE),), folder)
        self._distances: GrowingArray | None = None
        self._many = 0

    @classmethod
    def of(cls, ticks: Iterable[Tick]) -> Self:
        """All of these."""
        told = cls()
        for tick in ticks:
            told.add(tick)
        return told

    def __len__(self) -> int:
        return len(self._stamps)

    def add(self, tick: Tick) -> None:
        """Add one; what is no number in it is NaN, and what is no stamp 0."""
        self._put_distances(tick.get("distances"))
        self._numbers.append(_numbers(tick))
        self._stamps.append([_stamp_ns(tick.get("stamp_ns")), _stamp_ns(tick.get("goal_stamp_ns"))])

    def stamps_ns(self) -> NDArray[np.int64]:
        """(N, 2) of the frame that was judged, and of the goal; 0 where there is none. Raises StoreError."""
        return self._stamps.array()

    def numbers(self) -> dict[str, NDArray[np.float64]]:
        """(N,) by the names of SINGLE, and ``distances`` (N, D) where some were told. Raises StoreError."""
        columns: dict[str, NDArray[np.float64]] = dict(zip(SINGLE, self._numbers.array().T, strict=True))
        return columns if self._distances is None else columns | {"distances": self._distances.array()}

    def _put_distances(self, told: Any) -> None:
        """Add their row; the first that are told say how many there are."""
        values = [_number(one) for one in told] if isinstance(told, list) else []
        if values and self._distances is None:
            self._many = len(values)
            self._distances = GrowingArray(np.float64, (self._many,), self._folder)
            for _ in range(len(self)):
                self._distances.append(np.nan)
        if self._distances is not None:
            self._distances.append(values if len(values) == self._many else np.nan)


def _numbers(tick: Tick) -> list[float]:
    steps = tick.get("steps")
    left = steps if isinstance(steps, Mapping) else {}
    spread = {"steps": left.get("expected"), "steps_low": left.get("low"), "steps_high": left.get("high")}
    return [_number(spread[name] if name in spread else tick.get(name)) for name in SINGLE]


def _stamp_ns(value: Any) -> int:
    """0 for what is no stamp."""
    return value if isinstance(value, int) and 0 < value < 2**63 else 0


def _number(value: Any) -> float:
    """NaN for what is no number: it comes from another process."""
    return float(value) if isinstance(value, int | float) and abs(value) < 2**1000 else math.nan
