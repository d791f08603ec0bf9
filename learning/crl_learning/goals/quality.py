"""Can a picture be a goal at all? How bright, how contrasted and how sharp it is, by itself."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

MIN_BRIGHTNESS, MAX_BRIGHTNESS = 12.0, 243.0
"""Mean grey level outside which a picture shows nothing."""
MIN_CONTRAST = 4.0
"""Standard deviation of the grey levels below which it is one flat area."""


@dataclass(frozen=True)
class Quality:
    """Of one picture, in grey levels 0..255.

    Attributes:
        brightness: mean.
        contrast: standard deviation.
        sharpness: standard deviation of the Laplacian over the contrast; small for a blurred picture, in units that
            are only good for a comparison with pictures of the same camera.
    """

    brightness: float
    contrast: float
    sharpness: float

    @property
    def empty(self) -> str:
        """Why it shows nothing; '' when it may show something."""
        if not MIN_BRIGHTNESS <= self.brightness <= MAX_BRIGHTNESS:
            kind = "dark" if self.brightness < MIN_BRIGHTNESS else "bright"
            return (
                f"it is too {kind}: its mean grey level is {self.brightness:.0f}, expected {MIN_BRIGHTNESS:.0f} to "
                f"{MAX_BRIGHTNESS:.0f}"
            )
        if self.contrast < MIN_CONTRAST:
            return (
                f"it is one flat area: its grey levels deviate by {self.contrast:.1f}, expected at least "
                f"{MIN_CONTRAST:.0f}"
            )
        return ""


def quality(image: NDArray[np.uint8]) -> Quality:
    """Measure an image uint8 (H, W, 3) RGB."""
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32)
    contrast = float(grey.std())
    edges = float(cv2.Laplacian(grey, cv2.CV_32F).std())
    return Quality(float(grey.mean()), contrast, edges / max(contrast, 1e-6))
