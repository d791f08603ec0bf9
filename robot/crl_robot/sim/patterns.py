"""Patterns for the table top: factors on its colour, drawn from a seed."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE = 256
"""Side of a pattern in texture pixels; it covers the whole table once."""

Array = NDArray[np.float64]


def pattern(name: str, contrast: float, seed: int) -> NDArray[np.uint8]:
    """The pattern uint8 (SIZE, SIZE, 3); white leaves the table's colour as it is, ``contrast`` 1 reaches black."""
    drawn = np.clip(_DRAWN[name](np.random.default_rng(seed)), 0.0, 1.0)
    grey = np.rint(255 * (1.0 - contrast * drawn)).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _plain(_: np.random.Generator) -> Array:
    return np.zeros((SIZE, SIZE))


def _checker(rng: np.random.Generator) -> Array:
    across, along = _turned(rng)
    side = rng.uniform(8, 40)
    return ((across // side + along // side) % 2).astype(np.float64)


def _stripes(rng: np.random.Generator) -> Array:
    across, _ = _turned(rng)
    width, share = rng.uniform(8, 50), rng.uniform(0.2, 0.8)
    return (across / width % 1.0 < share).astype(np.float64)


def _grain(rng: np.random.Generator) -> Array:
    """Long irregular lines, as in wood."""
    across, _ = _turned(rng)
    bent = across + 12 * (_clouds(rng, 6) - 0.5)
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * bent / rng.uniform(6, 20))
    return 0.6 * rings + 0.4 * _clouds(rng, 24)


def _speckle(rng: np.random.Generator) -> Array:
    """Blots of one size, as in stone or cloth."""
    return _clouds(rng, int(rng.integers(12, 80)))


def _turned(rng: np.random.Generator) -> tuple[Array, Array]:
    """Coordinates in texture pixels along two axes that are turned by any angle."""
    angle, shift = rng.uniform(0, np.pi), rng.uniform(0, SIZE, 2)
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float64)
    c, s = np.cos(angle), np.sin(angle)
    return c * x + s * y + shift[0], c * y - s * x + shift[1]


def _clouds(rng: np.random.Generator, cells: int) -> Array:
    """Smooth noise 0..1 with ``cells`` blots along each side."""
    coarse = rng.random((cells, cells))
    return np.asarray(cv2.resize(coarse, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC), dtype=np.float64)


_DRAWN: dict[str, Callable[[np.random.Generator], Array]] = {
    "plain": _plain,
    "checker": _checker,
    "stripes": _stripes,
    "grain": _grain,
    "speckle": _speckle,
}
"""How dark each of `crl_robot.sim.world_options.PATTERNS` is, 0..1."""
