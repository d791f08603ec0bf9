"""Follows the progress signal towards one goal: steps left, reached, improving or not."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from crl_learning.progress.calibration import Calibration, Steps


@dataclass(frozen=True)
class Progress:
    """What is known of the way to the present goal at one tick.

    Attributes:
        signal: the progress signal, higher the nearer; NaN without a calibration or without distances.
        steps: control ticks left; None without a calibration.
        reached: whether the goal counts as reached.
        score: signal above the threshold; None without a calibration.
        improving: False once the patience is over; None without a calibration.
        patience: ticks left until it is over.
    """

    signal: float
    steps: Steps | None = None
    reached: bool = False
    score: float | None = None
    improving: bool | None = None
    patience: int | None = None


class ProgressWatch:
    """Judges one goal at a time; `restart` for the next.

    Args:
        calibration: None where the checkpoint has none: then nothing is reached and nothing stalls.
        rate: chosen false-positive rate of a run.
        patience: ticks without a better signal; 0 takes the measured one.
    """

    def __init__(self, calibration: Calibration | None, rate: float, patience: int = 0) -> None:
        self._calibration = calibration
        self._threshold = calibration.threshold(rate) if calibration else math.inf
        self._patience = patience or (calibration.patience if calibration else 0)
        self._newest: deque[float] = deque(maxlen=calibration.hold if calibration else 1)
        self._best, self._stalled = -math.inf, 0

    @property
    def calibrated(self) -> bool:
        return self._calibration is not None

    def restart(self) -> None:
        """Another goal, or the same anew."""
        self._newest.clear()
        self._best, self._stalled = -math.inf, 0

    def look(self, distances: Sequence[float]) -> Progress:
        """What distances from the goal say by themselves, without counting the tick."""
        calibration, signal = self._calibration, self._signal(distances)
        if calibration is None or not math.isfinite(signal):
            return Progress(math.nan)
        left = max(0, self._patience - self._stalled)
        return Progress(signal, calibration.steps(signal), False, signal - self._threshold, left > 0, left)

    def update(self, distances: Sequence[float]) -> Progress:
        """Count one tick that was acted on."""
        calibration, signal = self._calibration, self._signal(distances)
        if calibration is None or not math.isfinite(signal):
            return Progress(math.nan)
        self._newest.append(signal)
        full = len(self._newest) == calibration.hold
        level = min(self._newest)
        self._stalled = 0 if signal > self._best + calibration.step else self._stalled + 1
        self._best = max(self._best, signal)
        left = max(0, self._patience - self._stalled)
        reached = full and level >= self._threshold
        return Progress(signal, calibration.steps(signal), reached, level - self._threshold, left > 0, left)

    def _signal(self, distances: Sequence[float]) -> float:
        return self._calibration.signal_of(distances) if self._calibration else math.nan
