"""Follows the progress signal towards one goal: steps left, reached, improving or not."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from crl_learning.progress.calibration import Calibration, Steps
from crl_learning.progress.stall import Stall


@dataclass(frozen=True)
class Progress:
    """What is known of the way to the present goal at one tick.

    Attributes:
        signal: the progress signal, higher the nearer; NaN without a calibration or without distances.
        steps: control ticks left; None without a calibration.
        reached: whether the goal counts as reached.
        score: signal above the threshold; None without a calibration.
        improving: False once the patience is over; None without a calibration.
        patience: ticks left until it is over, at the present speed.
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
        patience: ticks without a better signal, at any speed; 0 takes the measured ones, which are of full speed.
    """

    def __init__(self, calibration: Calibration | None, rate: float, patience: int = 0) -> None:
        self._calibration = calibration
        self._threshold = calibration.threshold(rate) if calibration else math.inf
        self._measured = not patience
        self._patience = patience or (calibration.patience if calibration else 0)
        self._newest: deque[float] = deque(maxlen=calibration.hold if calibration else 1)
        self._stall = Stall(calibration.step if calibration else 0.0)

    @property
    def calibrated(self) -> bool:
        return self._calibration is not None

    def restart(self) -> None:
        """Another goal, or the same anew."""
        self._newest.clear()
        self._stall.restart()

    def look(self, distances: Sequence[float], speed: float = 1.0) -> Progress:
        """What distances from the goal say by themselves, without counting the tick; ``speed`` is that of the arm."""
        calibration, signal = self._calibration, self._signal(distances)
        if calibration is None or not math.isfinite(signal):
            return Progress(math.nan)
        left = self._left(speed)
        steps = calibration.steps(signal).at(speed)
        return Progress(signal, steps, False, signal - self._threshold, left > 0, left)

    def update(self, distances: Sequence[float], speed: float = 1.0) -> Progress:
        """Count one tick that was acted on; at half the speed it takes twice the ticks to get as far."""
        calibration, signal = self._calibration, self._signal(distances)
        if calibration is None or not math.isfinite(signal):
            return Progress(math.nan)
        self._newest.append(signal)
        full = len(self._newest) == calibration.hold
        level = min(self._newest)
        self._stall.add(signal, self._tick(speed))
        left = self._left(speed)
        steps = calibration.steps(signal).at(speed)
        reached = full and level >= self._threshold
        return Progress(signal, steps, reached, level - self._threshold, left > 0, left)

    def _tick(self, speed: float) -> float:
        """What a tick counts of the patience."""
        return speed if self._measured else 1.0

    def _left(self, speed: float) -> int:
        """Ticks until the patience is over."""
        return max(0, math.ceil((self._patience - self._stall.ticks) / self._tick(speed) - 1e-9))

    def _signal(self, distances: Sequence[float]) -> float:
        return self._calibration.signal_of(distances) if self._calibration else math.nan
