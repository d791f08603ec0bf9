"""What can be measured of one recorded stream: rate, gaps, ages, repeated images. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crl_robot.errors import ConfigError


@dataclass(frozen=True)
class StreamRecord:
    """One stream of an episode as it arrived.

    Attributes:
        name: of the camera, 'arm', 'actions' or 'steps'.
        kind: 'camera', 'state', 'action' or 'step'.
        stamp_ns: (N,) stamps of the source.
        receive_stamp_ns: (N,) stamps of arrival; empty where nobody noted them, and no age is known then.
        expected_hz: rate it should have; None where nobody declared one.
        lost: messages known to be lost.
        unused: messages that arrived and are in no step.
        marks: (N,) equal for equal images; empty for other streams.
    """

    name: str
    kind: Literal["camera", "state", "action", "step"]
    stamp_ns: NDArray[np.int64]
    receive_stamp_ns: NDArray[np.int64]
    expected_hz: float | None = None
    lost: int = 0
    unused: int = 0
    marks: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))

    def __post_init__(self) -> None:
        count = len(self.stamp_ns)
        lengths = {count, len(self.receive_stamp_ns) or count, len(self.marks) or count}
        if len(lengths) > 1:
            raise ConfigError(f"stream '{self.name}' has columns of lengths {sorted(lengths)}, expected equal lengths")


@dataclass(frozen=True)
class Motion:
    """Where the tool was: stamps (M,) and positions (M, 3) in m."""

    stamp_ns: NDArray[np.int64]
    position: NDArray[np.float64]

    def moved_m(self, start_ns: int, end_ns: int) -> float:
        """Largest distance from where it was at the start of a span; stamps must increase."""
        first, end = np.searchsorted(self.stamp_ns, [start_ns, end_ns + 1])
        inside = self.position[first:end]
        return float(np.linalg.norm(inside - inside[0], axis=1).max()) if len(inside) else 0.0


@dataclass(frozen=True)
class StreamAudit:
    """What was found of one stream; times in ms, None where there were too few messages to say."""

    name: str
    kind: str
    count: int
    lost: int
    unused: int
    first_stamp_ns: int | None
    last_stamp_ns: int | None
    rate_hz: float | None
    expected_hz: float | None
    gap_ms: float | None
    age_ms: tuple[float, float, float] | None
    """p50, p99 and largest."""
    backwards: int
    """Stamps that were not later than the one before."""
    frozen: int
    """Longest run of frames with the same image."""
    frozen_ms: float
    stuck_ms: float
    """The longest of those runs during which the tool moved; 0 when it moved in none."""


def measure_stream(record: StreamRecord, motion: Motion | None = None, moved_m: float = 0.01) -> StreamAudit:
    """Rates, gaps, ages and repeated images of one stream.

    Args:
        motion: of the tool; without it no camera is called stuck, since a still scene may look the same.
        moved_m: the tool moved when it was farther than this from where it was.
    """
    stamps = record.stamp_ns
    steps_ms = np.diff(stamps) / 1e6
    ages = (record.receive_stamp_ns - stamps) / 1e6 if len(record.receive_stamp_ns) else np.zeros(0)
    median = float(np.median(steps_ms)) if len(steps_ms) else 0.0
    starts, ends = _runs(record.marks)
    spans_ms = (stamps[ends] - stamps[starts]) / 1e6
    stuck = [
        spans_ms[run]
        for run in np.flatnonzero(spans_ms > 0)
        if motion is not None and motion.moved_m(int(stamps[starts[run]]), int(stamps[ends[run]])) > moved_m
    ]
    return StreamAudit(
        name=record.name,
        kind=record.kind,
        count=len(stamps),
        lost=record.lost,
        unused=record.unused,
        first_stamp_ns=int(stamps[0]) if len(stamps) else None,
        last_stamp_ns=int(stamps[-1]) if len(stamps) else None,
        rate_hz=round(1e3 / median, 3) if median > 0 else None,
        expected_hz=record.expected_hz,
        gap_ms=round(float(steps_ms.max()), 3) if len(steps_ms) else None,
        age_ms=_percentiles(ages) if len(ages) else None,
        backwards=int((steps_ms <= 0).sum()),
        frozen=int((ends - starts).max()) + 1 if len(starts) else 0,
        frozen_ms=round(float(spans_ms.max()), 3) if len(starts) else 0.0,
        stuck_ms=round(float(max(stuck, default=0.0)), 3),
    )


def _percentiles(ages: NDArray[np.float64]) -> tuple[float, float, float]:
    p50, p99, top = (round(float(value), 3) for value in np.percentile(ages, [50, 99, 100]))
    return p50, p99, top


def _runs(marks: NDArray[np.uint32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and last index of each run of equal marks."""
    starts = np.flatnonzero(np.diff(marks.astype(np.int64), prepend=-1))
    return starts, np.append(starts[1:], len(marks))[: len(starts)] - 1
