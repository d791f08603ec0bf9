"""What a simulation in lock step is like at each instant: state and picture, which come as two messages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crl_learning.trials import Moment


@dataclass(frozen=True)
class Instant:
    """What is true, and what the camera then sees, uint8 (H, W, 3)."""

    moment: Moment
    image: NDArray[np.uint8]


class Instants:
    """Joins states and pictures by stamp, in whatever order they come; both may come more than once."""

    def __init__(self) -> None:
        self.known: dict[int, Instant] = {}
        """By stamp, ns."""
        self._moments: dict[int, Moment] = {}
        self._images: dict[int, NDArray[np.uint8]] = {}

    def clear(self) -> None:
        """Forget everything."""
        for held in (self.known, self._moments, self._images):
            held.clear()

    def since(self, stamp_ns: int) -> list[int]:
        """Stamps from one on of which both parts are known, in order."""
        return sorted(stamp for stamp in self.known if stamp >= stamp_ns)

    def add_moment(self, stamp_ns: int, moment: Moment) -> None:
        """Take a state."""
        self._moments[stamp_ns] = moment
        self._join(stamp_ns)

    def add_image(self, stamp_ns: int, image: NDArray[np.uint8]) -> None:
        """Take a picture."""
        self._images[stamp_ns] = image
        self._join(stamp_ns)

    def _join(self, stamp_ns: int) -> None:
        if stamp_ns in self._moments and stamp_ns in self._images:
            self.known[stamp_ns] = Instant(self._moments.pop(stamp_ns), self._images.pop(stamp_ns))
