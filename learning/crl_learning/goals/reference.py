"""A few frames of the training data, kept with the checkpoint: how far a picture is from everything it has learned.

The distance of two pictures is the root mean square of their grey levels' difference at 32x32 pixels. A camera that
stands still shows nearly the same picture all the time, so this tells another view, another light and garbage from
what the data hold. What it cannot tell is a small object in a place where it never was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from crl_robot.errors import ContractError

SIDE_PX = 32
USUAL_SHARE = 0.99
"""Share of held-out frames that count as usual: their distance is the unit of a picture's score."""


@dataclass(frozen=True)
class FrameName:
    """A frame of the training data."""

    episode: str
    frame: int


@dataclass(frozen=True)
class Neighbour:
    """A frame of the reference and its distance in grey levels."""

    name: FrameName
    distance: float


@dataclass(frozen=True)
class Reference:
    """Frames of the training data as the network sees them.

    Attributes:
        images: uint8 (N, h, w, 3) RGB.
        names: which frames they are.
        usual: distance (grey levels) below which USUAL_SHARE of held-out frames have a neighbour.
        sharpness: of the frames, lowest usual one; see `crl_learning.goals.quality`.
    """

    images: NDArray[np.uint8]
    names: tuple[FrameName, ...]
    usual: float
    sharpness: float

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or not len(self.images) or len(self.images) != len(self.names) or self.usual <= 0:
            raise ContractError(
                f"a reference of {self.images.shape} images, {len(self.names)} names and a usual distance of "
                f"{self.usual}, expected (N, h, w, 3) images, as many names and a distance above 0"
            )

    def nearest(self, seen: NDArray[np.uint8], count: int = 3) -> list[Neighbour]:
        """The nearest frames to an image uint8 (h, w, 3) as the network sees it, nearest first."""
        distances = frame_distances(small(seen)[None], self._small())[0]
        order = np.argsort(distances)[:count]
        return [Neighbour(self.names[i], float(distances[i])) for i in order]

    def score(self, seen: NDArray[np.uint8]) -> float:
        """Distance to the nearest frame over the usual one: up to 1 is usual, 2 is twice as far as usual."""
        return self.nearest(seen, 1)[0].distance / self.usual

    def _small(self) -> NDArray[np.float32]:
        return np.stack([small(image) for image in self.images])


def small(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """uint8 (H, W, 3) RGB -> grey levels float32 (32 * 32,)."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA), np.float32).ravel()


def frame_distances(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Root mean square differences (N, M) of small pictures (N, P) and (M, P)."""
    square = (one**2).mean(1)[:, None] + (other**2).mean(1)[None] - 2 * one @ other.T / one.shape[1]
    return np.sqrt(np.maximum(square, 0.0))


def choose_reference(
    images: NDArray[np.uint8], names: Sequence[FrameName], held_out: NDArray[np.uint8], count: int, sharpness: float
) -> Reference:
    """The ``count`` images that cover all others best, greedily the farthest from those chosen (Gonzalez 1985).

    Args:
        images: uint8 (N, h, w, 3) to choose from.
        held_out: uint8 (M, h, w, 3) of other episodes, which say what distance is usual.
        sharpness: lowest usual one.
    """
    pictures = np.stack([small(image) for image in images])
    chosen = [int(np.argmin(frame_distances(pictures.mean(0)[None], pictures)[0]))]
    nearest = frame_distances(pictures[chosen], pictures)[0]
    while len(chosen) < min(count, len(images)):
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, frame_distances(pictures[chosen[-1:]], pictures)[0])
    others = np.stack([small(image) for image in held_out])
    distances = frame_distances(others, pictures[chosen]).min(1)
    usual = max(float(np.quantile(distances, USUAL_SHARE)), 1e-3)
    return Reference(images[chosen], tuple(names[i] for i in chosen), usual, sharpness)
