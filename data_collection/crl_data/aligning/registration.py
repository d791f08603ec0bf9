"""Where one view of a scene lies in another: the similarity between them, found from their edges.

Edge directions hardly change with the light. Their correlation finds the coarse shift (after G. Tzimiropoulos et al.,
Robust FFT-based scale-invariant image registration with image gradients, PAMI 2010), and robust inverse compositional
steps refine it (S. Baker, I. Matthews, Lucas-Kanade 20 years on, IJCV 2004). What moved between the two pictures, the
arm for one, only counts as outliers.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from crl_data.aligning.likeness import Matrix, Views, edge_directions, grid, in_pixels, likeness, moved_back, overlap
from crl_robot.errors import ContractError

COARSE_WIDTH = 160
"""Width (pixels) at which the shift is searched, the best start is chosen and likeness is measured."""
FINEST_WIDTH = 640
"""Larger pictures are made this small: nobody turns a camera back by hand more finely."""
TURNS_DEG = (-12.0, -6.0, 0.0, 6.0, 12.0)
SCALES = (0.88, 1.0, 1.14)
_STARTS = 4
_OUTLIER = 0.4
"""Difference of two edge directions (0..2) at which a pixel counts a quarter."""
_STEPS = 15
_DONE = 2e-5
"""Change of scale, turn (rad) and shift (widths) that ends the steps."""


@dataclass(frozen=True)
class Registration:
    """How points of the reference are reached in the live view.

    Attributes:
        matrix: similarity (2, 3) in pixels: (x, y) in the live view = matrix @ (x, y, 1) of the reference.
        likeness: 0..1, how alike both are once the live view is moved back (see `crl_data.aligning.likeness`).
        likeness_now: 0..1, how alike they are as they are.
        overlap: share of the reference that the live view still shows.
    """

    matrix: Matrix
    likeness: float
    likeness_now: float
    overlap: float


def register(views: Views) -> Registration:
    """Find the similarity between two views.

    Raises:
        ContractError: the pictures differ in size.
    """
    if not views.reference.shape == views.live.shape == views.trust.shape:
        raise ContractError(f"views are {views.reference.shape} and {views.live.shape}, expected one size")
    widths = _widths(views.width)
    coarse = [views.at(width) for width in widths if width <= COARSE_WIDTH]
    found = [_descend(start, coarse) for start in _starts(coarse[-1])]
    best = max([np.eye(2, 3), *found], key=lambda matrix: np.prod(likeness(coarse[-1], matrix)))
    best = _descend(best, [views.at(width) for width in widths if width > COARSE_WIDTH])
    after, shared = likeness(coarse[-1], best)
    return Registration(in_pixels(best, views.width), after, likeness_now(views), shared)


def likeness_now(views: Views) -> float:
    """How alike two views are as they are, 0..1, at the size at which likeness is measured."""
    width = [width for width in _widths(views.width) if width <= COARSE_WIDTH][-1]
    return likeness(views.at(width), np.eye(2, 3))[0]


def _widths(width: int) -> list[int]:
    """Widths of the pyramid, coarse to fine; at least one is coarse."""
    widths = [min(width, FINEST_WIDTH)]
    while widths[0] > COARSE_WIDTH // 2:
        widths.insert(0, widths[0] // 2)
    return widths


def _starts(views: Views) -> list[Matrix]:
    """Standing still, and the coarse similarities with the highest correlation."""
    height, width = views.reference.shape
    expected = np.conj(_spectrum(edge_directions(views.reference) * views.trust))
    centre = np.array([0.5, 0.5 * height / width])
    candidates = []
    for turn, scale in itertools.product(TURNS_DEG, SCALES):
        linear = scale * _rotation(np.radians(turn))
        pivot = np.column_stack([linear, centre - linear @ centre])
        back = moved_back(views.live, pivot)
        correlation = np.real(np.fft.ifft2(expected * _spectrum(edge_directions(back))))
        row, column = (int(i) for i in np.unravel_index(int(correlation.argmax()), correlation.shape))
        shift = np.array([_signed(column, correlation.shape[1]), _signed(row, correlation.shape[0])]) / width
        pivot[:, 2] += linear @ shift
        candidates.append((float(correlation.max()), pivot))
    best = sorted(candidates, key=lambda candidate: -candidate[0])[:_STARTS]
    return [np.eye(2, 3), *(matrix for _, matrix in best)]


def _descend(matrix: Matrix, levels: Sequence[Views]) -> Matrix:
    for views in levels:
        matrix = _refined(views, matrix)
    return matrix


def _refined(views: Views, matrix: Matrix) -> Matrix:
    """Robust Gauss-Newton steps on the four numbers of the similarity."""
    expected = edge_directions(views.reference)
    slopes = _slopes(expected)
    for _ in range(_STEPS):
        difference = edge_directions(moved_back(views.live, matrix)) - expected
        outlying = (difference * difference).sum(0) / _OUTLIER**2
        weight = views.trust * overlap(views.reference.shape, matrix) / np.square(1 + outlying)
        weighted = slopes * weight
        normal = np.einsum("ichw,jchw->ij", weighted, slopes, optimize=True)
        step = np.linalg.solve(normal + 1e-6 * np.eye(4), np.einsum("ichw,chw->i", weighted, difference))
        scale, turn, right, down = step.tolist()
        change = np.array([[1 + scale, -turn, right], [turn, 1 + scale, down], [0, 0, 1]])
        if abs(np.linalg.det(change)) < 0.1:  # nothing left to hold on to
            break
        matrix = (np.vstack([matrix, [0, 0, 1]]) @ np.linalg.inv(change))[:2]
        if np.abs(step).max() < _DONE:
            break
    return matrix


def _slopes(expected: NDArray[np.float32]) -> NDArray[np.float32]:
    """(4, 2, H, W): change of the edge directions with scale, turn (rad) and shift x, y (widths)."""
    eighth = expected.shape[2] / 8  # Sobel's weights sum up to 8 pixels
    along_x = np.stack([cv2.Sobel(channel, cv2.CV_32F, 1, 0, scale=eighth) for channel in expected])
    along_y = np.stack([cv2.Sobel(channel, cv2.CV_32F, 0, 1, scale=eighth) for channel in expected])
    x, y = grid(expected.shape[1:])
    spin = np.stack([expected[1], -expected[0]])  # the directions themselves turn with the picture
    return np.stack([along_x * x + along_y * y, along_y * x - along_x * y + spin, along_x, along_y])


def _spectrum(field: NDArray[np.float32]) -> NDArray[np.complex128]:
    """Of the field as complex numbers, padded so that nothing wraps around."""
    return np.fft.fft2(field[0] + 1j * field[1], (2 * field.shape[1], 2 * field.shape[2]))


def _rotation(angle_rad: float) -> NDArray[np.float64]:
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[cos, -sin], [sin, cos]])


def _signed(index: int, size: int) -> int:
    return index - size if index > size // 2 else index
