"""The frames of the data that a planner knows: few, and spread over all that the data show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crl_learning.goals.reference import FrameName
from crl_robot.errors import ConfigError, ContractError

MAX_BYTES = 4_500_000
"""Of pictures beside a checkpoint; with the edges between them a map stays below 5 MB."""
MIN_FRAMES = 8


@dataclass(frozen=True)
class Frames:
    """Pictures and where they come from.

    Attributes:
        images: uint8 (N, h, w, 3 * cameras) as the network sees them.
        names: (N,) episode and frame of each.
    """

    images: NDArray[np.uint8]
    names: tuple[FrameName, ...]

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != np.uint8 or len(self.images) != len(self.names):
            raise ContractError(
                f"frames are {self.images.dtype} {self.images.shape} with {len(self.names)} names, expected uint8 "
                "(N, h, w, 3 * cameras) and N names"
            )

    def __len__(self) -> int:
        return len(self.names)

    def free_of(self, avoid: frozenset[FrameName]) -> NDArray[np.int64]:
        """Numbers of the frames that may be taken."""
        return np.array([i for i, name in enumerate(self.names) if name not in avoid], np.int64)


def frame_count(wanted: int, shape: Sequence[int]) -> int:
    """``wanted``, or as many pictures of that shape as MAX_BYTES allows. Raises ConfigError below MIN_FRAMES."""
    most = MAX_BYTES // int(np.prod(shape))
    if min(wanted, most) < MIN_FRAMES:
        raise ConfigError(f"{wanted} frames of {tuple(shape)} were asked for, expected {MIN_FRAMES} to {most}")
    return min(wanted, most)


def spread_out(features: NDArray[np.floating], count: int) -> NDArray[np.int64]:
    """Numbers (count,) of features (N, F) that cover all others best, greedily the farthest one (Gonzalez 1985)."""
    points = np.asarray(features, np.float32)
    chosen = [int(np.square(points - points.mean(0)).sum(1).argmin())]
    nearest = np.square(points - points[chosen[0]]).sum(1)
    while len(chosen) < min(count, len(points)):
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.square(points - points[chosen[-1]]).sum(1))
    return np.array(chosen, np.int64)
