"""How alike two views of a scene are, whatever the light: edge directions and the layout of light and dark.

Similarities between views are matrices (2, 3) with u_live = matrix @ (u_reference, 1). Here u is in picture widths,
with pixel (column, row) at ((column + 0.5) / W, (row + 0.5) / W), so that one matrix serves every size of a picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Picture: TypeAlias = NDArray[np.float32]
"""Brightness (H, W), 0..255, or trust (H, W), 0..1."""
Matrix: TypeAlias = NDArray[np.float64]

_SMOOTHING = 1.2
_LAYOUT = 0.02
"""Smoothing, in picture widths, that leaves the layout of light and dark."""


@dataclass(frozen=True)
class Views:
    """A reference and a live view of one size, and how far to trust each pixel of the reference."""

    reference: Picture
    live: Picture
    trust: Picture

    @property
    def width(self) -> int:
        return self.reference.shape[1]

    def at(self, width: int) -> Views:
        """The same views made so many pixels wide."""
        height = max(1, round(self.reference.shape[0] * width / self.width))
        pictures = (cv2.resize(p, (width, height), interpolation=cv2.INTER_AREA) for p in (self.reference, self.live))
        trust = cv2.resize(self.trust, (width, height), interpolation=cv2.INTER_AREA)
        return Views(*(np.asarray(picture, np.float32) for picture in (*pictures, trust)))


def likeness(views: Views, matrix: Matrix) -> tuple[float, float]:
    """How alike the reference and the live view moved back by ``matrix`` are, and their overlap; 0..1 each.

    The likeness is the geometric mean of two: how much of the reference's edges is there, and how well the smoothed
    pictures correlate. Few edges match many a scene, and so does a coarse layout; seldom both.
    """
    valid = overlap(views.reference.shape, matrix)
    back = moved_back(views.live, matrix)
    weight = views.trust * valid
    expected = edge_directions(views.reference)
    edges = _share((expected * edge_directions(back)).sum(0), (expected * expected).sum(0), weight)
    return float(np.sqrt(edges * _correlation(views.reference, back, weight))), float(valid.mean())


def edge_directions(picture: Picture) -> NDArray[np.float32]:
    """float32 (2, H, W): gradients shortened to below 1; strong edges come near 1 in any light, flat areas are 0."""
    smooth = cv2.GaussianBlur(picture, (0, 0), _SMOOTHING)
    gradient = np.stack([cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)])
    square = (gradient * gradient).sum(0)
    typical = float(np.sqrt(square).mean())
    return gradient / np.sqrt(square + typical * typical + 1e-6)


def moved_back(live: Picture, matrix: Matrix) -> Picture:
    """The live picture (H, W) drawn where the reference has the same things."""
    height, width = live.shape
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(
        live, in_pixels(matrix, width), (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, np.float32)


def in_pixels(matrix: Matrix, width: int) -> Matrix:
    """The same similarity (2, 3) between pixel coordinates of pictures of this width."""
    linear, shift = matrix[:, :2], matrix[:, 2]
    return np.column_stack([linear, linear @ [0.5, 0.5] - 0.5 + shift * width])


def overlap(shape: tuple[int, ...], matrix: Matrix) -> NDArray[np.bool_]:
    """Which pixels (H, W) of the reference the live view shows."""
    x, y = grid(shape)
    u, v = (row[0] * x + row[1] * y + row[2] for row in matrix)
    return (u > 0) & (u < 1) & (v > 0) & (v < shape[0] / shape[1])


def grid(shape: tuple[int, ...]) -> tuple[Picture, Picture]:
    """u of every pixel: columns (1, W) and rows (H, 1)."""
    height, width = shape
    x, y = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / width
    return x[None, :].astype(np.float32), y[:, None].astype(np.float32)


def _share(part: Picture, whole: Picture, weight: Picture) -> float:
    total = float((weight * whole).sum())
    return float(np.clip((weight * part).sum() / total, 0.0, 1.0)) if total else 0.0


def _correlation(reference: Picture, back: Picture, weight: Picture) -> float:
    """Of the smoothed pictures under ``weight``, 0 where they are unrelated or opposite."""
    blur = reference.shape[1] * _LAYOUT
    total = float(weight.sum())
    if not total:
        return 0.0
    smooth = [cv2.GaussianBlur(picture, (0, 0), blur) for picture in (reference, back)]
    one, two = (picture - float((weight * picture).sum()) / total for picture in smooth)
    spread = float((weight * one * one).sum() * (weight * two * two).sum())
    return float(np.clip((weight * one * two).sum() / np.sqrt(spread), 0.0, 1.0)) if spread else 0.0
