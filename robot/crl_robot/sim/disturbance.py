"""What keeps play from being clean: noise on every step, and now and then a detour of two or three ticks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crl_robot.sim.play_options import PlayOptions


class Disturbance:
    """Draws one disturbance per tick; lengths are those of the options times ``scale``."""

    def __init__(self, rng: np.random.Generator, options: PlayOptions, scale: float = 1.0) -> None:
        self._rng = rng
        self._options = options
        self._scale = scale
        self._detour = np.zeros(3)
        self._ticks = 0

    def forget(self) -> None:
        """End a detour."""
        self._ticks = 0

    def draw(self, factor: float = 1.0) -> NDArray[np.float64]:
        """(3,) m to add to this tick's step."""
        options = self._options
        if self._ticks == 0 and self._rng.random() < options.detour_share:
            self._detour = self._scale * self._rng.uniform(-options.detour_step, options.detour_step, 3)
            self._ticks = int(self._rng.integers(2, 4))
        noise = self._scale * self._rng.normal(0.0, options.noise, 3)
        if self._ticks > 0:
            self._ticks -= 1
            noise = noise + self._detour
        return factor * noise
