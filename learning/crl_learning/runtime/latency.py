"""How old what is acted on is, and how long acting takes: percentiles of the newest ticks."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

KEPT = 500


class LatencyMeter:
    """Newest values in ms of 'camera' (age of the frame), 'arm_state' (age of the state) and 'inference'."""

    def __init__(self) -> None:
        self._values: dict[str, deque[float]] = {
            name: deque(maxlen=KEPT) for name in ("camera", "arm_state", "inference")
        }

    def add(self, **values_ms: float) -> None:
        """Note values by name; what is not finite is left out."""
        for name, value in values_ms.items():
            if math.isfinite(value):
                self._values[name].append(value)

    def summary(self) -> dict[str, dict[str, float] | None]:
        """p50, p99 and max in ms by name; None where nothing was measured yet."""
        return {name: _percentiles(list(values)) for name, values in self._values.items()}


def _percentiles(values: list[float]) -> dict[str, float] | None:
    if not values:
        return None
    p50, p99, highest = np.percentile(values, [50, 99, 100])
    return {"p50": round(float(p50), 2), "p99": round(float(p99), 2), "max": round(float(highest), 2)}
