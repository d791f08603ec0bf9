"""Statistics of a LeRobot data set: per feature mean, std, min, max, count and five quantiles, all exact.

Images are counted per colour on the scale 0 to 1, over at most some hundred frames of an episode, as LeRobot does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
_ALL_FRAMES = 100
_FULL_SIZE_PX = 300

Stats = dict[str, list[Any]]


def vector_stats(values: NDArray[Any]) -> Stats:
    """Of (T, k) numbers; each statistic is a list of k, the count a list of one."""
    base = values[0]
    moved = (values - base).astype(np.float64)  # stamps in ns do not fit a float64, their differences do
    stats: Stats = {"min": values.min(axis=0).tolist(), "max": values.max(axis=0).tolist()}
    stats |= {"mean": (base + moved.mean(axis=0)).tolist(), "std": moved.std(axis=0).tolist(), "count": [len(values)]}
    rows = np.quantile(moved, list(QUANTILES.values()), axis=0)
    return stats | {name: (base + row).tolist() for name, row in zip(QUANTILES, rows, strict=True)}


def sampled_steps(steps: int) -> list[int]:
    """Frames of an episode to count: all of up to 100, then T^0.75, at most 10,000, evenly spread."""
    count = max(min(steps, _ALL_FRAMES), min(int(steps**0.75), 10_000))
    return np.linspace(0, steps - 1, count).round().astype(int).tolist()


class ImageStats:
    """Counts how often each colour has each value: bytes have so few values that nothing need be estimated."""

    def __init__(self) -> None:
        self.images = 0
        self.counts = np.zeros((3, 256), np.int64)

    def add(self, image: NDArray[np.uint8]) -> None:
        """Count uint8 (H, W, 3); of large images every second, third, ... pixel."""
        stride = max(1, max(image.shape[:2]) // _FULL_SIZE_PX + 1)
        pixels = image[::stride, ::stride].reshape(-1, 3)
        self.counts += np.stack([np.bincount(pixels[:, colour], minlength=256) for colour in range(3)])
        self.images += 1

    def merge(self, other: ImageStats) -> None:
        """Add what another one counted."""
        self.images += other.images
        self.counts += other.counts

    def stats(self) -> Stats:
        """Each statistic as a list of shape (3, 1, 1), the count as a list of one."""
        values = np.arange(256) / 255.0
        share = self.counts / self.counts.sum(axis=1, keepdims=True)
        mean = share @ values
        std = np.sqrt((share * (values - mean[:, None]) ** 2).sum(axis=1))
        reached = np.cumsum(share, axis=1)
        present = self.counts > 0
        found = {
            "min": values[present.argmax(axis=1)],
            "max": values[255 - present[:, ::-1].argmax(axis=1)],
            "mean": mean,
            "std": std,
        }
        found |= {name: values[(reached >= part - 1e-12).argmax(axis=1)] for name, part in QUANTILES.items()}
        return {name: value.reshape(3, 1, 1).tolist() for name, value in found.items()} | {"count": [self.images]}
