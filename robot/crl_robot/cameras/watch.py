"""Is a stream of frames healthy? Rate, gaps, ages and pictures that do not change any more, with a verdict in words."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crl_robot.contracts import Frame

GAP = 1.5
"""Stamps further apart than so many periods mean that frames are missing between them."""
_SPARSE = slice(None, None, 16)


@dataclass(frozen=True)
class WatchLimits:
    """What is expected of a stream; 0 switches a limit off.

    Attributes:
        rate_hz: frames a second.
        rate_tolerance: share of the rate that may be missing.
        age_ms: age at arrival that at most one frame in a hundred may exceed.
        frozen_after: so many frames in a row with the same bytes are a frozen picture; the noise of a sensor makes two
            equal frames all but impossible, but a simulated or filmed still world has them.
        silent_s: longest time without a frame.
    """

    rate_hz: float = 0.0
    rate_tolerance: float = 0.1
    age_ms: float = 100.0
    frozen_after: int = 10
    silent_s: float = 0.5


@dataclass(frozen=True)
class Verdict:
    """State of a stream over the newest seconds.

    Attributes:
        reasons: what is wrong, in words; empty when all is well.
        rate_hz, longest_gap_ms, age_p50_ms, age_max_ms: over the window; by stamps.
        same: frames in a row, up to the newest, with the same bytes.
        frames, missing: since the start; missing are those for which the stamps leave room.
    """

    reasons: tuple[str, ...]
    rate_hz: float
    longest_gap_ms: float
    age_p50_ms: float
    age_max_ms: float
    same: int
    frames: int
    missing: int

    @property
    def well(self) -> bool:
        return not self.reasons

    @property
    def frozen(self) -> bool:
        return any(reason.startswith("frozen") for reason in self.reasons)


class CameraWatch:
    """Is told of every frame and judges the stream; one thread may add while another judges.

    Args:
        window_s: how far back rate, ages and gaps look.
        clock: monotonic seconds, for the silence.
    """

    def __init__(
        self, limits: WatchLimits | None = None, window_s: float = 2.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limits = limits or WatchLimits()
        self._window_ns, self._clock = round(window_s * 1e9), clock
        self._lock = threading.Lock()
        self._newest: deque[tuple[int, int, int]] = deque()  # stamp, age, frames missing before it
        self._image: NDArray[np.uint8] | None = None
        self._same = 0
        self._frames = self._missing = 0
        self._at = clock()

    def add(self, frame: Frame) -> None:
        """Note one frame."""
        same = self._image is not None and _equal(self._image, frame.image)
        with self._lock:
            if self._newest and frame.stamp_ns < self._newest[-1][0]:
                self._newest.clear()  # the clock went back
            missing = self._missing_before(frame.stamp_ns)
            self._image, self._same = frame.image, self._same + 1 if same else 1
            self._at = self._clock()
            self._frames += 1
            self._missing += missing
            self._newest.append((frame.stamp_ns, frame.receive_stamp_ns - frame.stamp_ns, missing))
            while frame.stamp_ns - self._newest[0][0] > self._window_ns:
                self._newest.popleft()

    @property
    def frozen(self) -> bool:
        """Whether the newest frames are equal to the byte, as many in a row as the limit says."""
        return 0 < self.limits.frozen_after <= self._same

    def verdict(self) -> Verdict:
        """Judge the stream as it is now."""
        with self._lock:
            newest, silent_s = list(self._newest), self._clock() - self._at
            same, frames, missing = self._same, self._frames, self._missing
        stamps, ages, gaps = (
            (np.array(column, np.float64) for column in zip(*newest, strict=True)) if newest else ((),) * 3
        )
        steps = np.diff(stamps)
        rate_hz = float((len(stamps) - 1) * 1e9 / steps.sum()) if len(steps) and steps.sum() > 0 else 0.0
        p50, p99 = np.percentile(ages, [50, 99]) / 1e6 if len(ages) else (0.0, 0.0)
        lately = int(np.sum(gaps))
        return Verdict(
            reasons=tuple(self._reasons(silent_s, rate_hz, float(p99), same, frames, lately)),
            rate_hz=rate_hz,
            longest_gap_ms=float(steps.max()) / 1e6 if len(steps) else 0.0,
            age_p50_ms=float(p50),
            age_max_ms=float(np.max(ages)) / 1e6 if len(ages) else 0.0,
            same=same,
            frames=frames,
            missing=missing,
        )

    def _reasons(
        self, silent_s: float, rate_hz: float, age_ms: float, same: int, frames: int, missing: int
    ) -> list[str]:
        limits = self.limits
        if limits.silent_s and silent_s > limits.silent_s:
            return [f"no frame for {silent_s:.1f} s"] if frames else [f"no frame yet, after {silent_s:.1f} s"]
        reasons = []
        if 0 < limits.frozen_after <= same:
            reasons.append(f"frozen: the last {same} frames are equal to the byte")
        if limits.rate_hz and frames > 2 and rate_hz < limits.rate_hz * (1 - limits.rate_tolerance):
            reasons.append(f"{rate_hz:.1f} frames a second, expected {limits.rate_hz:g}")
        if limits.age_ms and age_ms > limits.age_ms:
            reasons.append(f"frames arrive {age_ms:.0f} ms old, expected at most {limits.age_ms:g} ms")
        if missing:
            reasons.append(f"{missing} frames missing lately")
        return reasons

    def _missing_before(self, stamp_ns: int) -> int:
        """Frames for which there is room between the last stamp and this one."""
        if not (self._newest and self.limits.rate_hz):
            return 0
        periods = (stamp_ns - self._newest[-1][0]) * self.limits.rate_hz / 1e9
        return round(periods) - 1 if periods > GAP else 0


def _equal(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    """Equal to the byte; frames that differ do so in a sparse sample already, which is quick to see."""
    if one.shape != other.shape or not np.array_equal(one[_SPARSE, _SPARSE], other[_SPARSE, _SPARSE]):
        return False
    return one is other or bool(np.array_equal(one, other))
