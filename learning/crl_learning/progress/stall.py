"""How long a run has made no progress: the one rule of the runs themselves and of the patience that is measured."""

from __future__ import annotations

import math


class Stall:
    """Ticks since the signal was last better by a step than when this was last so.

    Small gains add up: a run that improves slowly but steadily does not stall.

    Args:
        step: of the signal, above its noise.
    """

    def __init__(self, step: float) -> None:
        self._step = step
        self._mark, self.ticks = -math.inf, 0.0

    def restart(self) -> None:
        """Towards another goal, or anew."""
        self._mark, self.ticks = -math.inf, 0.0

    def add(self, signal: float, ticks: float = 1.0) -> None:
        """One tick; ``ticks`` below 1 is one of an arm that is slowed down, which gets that far only."""
        if signal > self._mark + self._step:
            self._mark, self.ticks = signal, 0.0
        else:
            self.ticks += ticks
