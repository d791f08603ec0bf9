"""The leash between target and measured pose, as pure functions: how far the one may run ahead of the other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from crl_robot.geometry import matrix_from_rpy, rotation_angle, rpy_from_matrix

Array = NDArray[np.float64]


def pull_in(base: Array, measured: Array, leash: float) -> Array:
    """(3,) ``base``, moved towards ``measured`` until it is within ``leash`` of it."""
    offset = base - measured
    distance = float(np.linalg.norm(offset))
    return base if distance <= leash else measured + offset * (leash / distance)


def pull_in_rotation(base: Array, measured: Array, leash_rad: float) -> Array:
    """(3, 3) ``base``, turned towards ``measured`` until it is within ``leash_rad`` of it."""
    if rotation_angle(base, measured) <= leash_rad:
        return base
    rpy = rpy_from_matrix(base @ measured.T)
    fraction = _largest_fraction(lambda s: rotation_angle(matrix_from_rpy(s * rpy), np.eye(3)) <= leash_rad)
    return matrix_from_rpy(fraction * rpy) @ measured


def pull_in_joints(wanted: Array, measured: Array, position_of: Callable[[Array], Array], leash: float) -> Array:
    """(N,) rad ``wanted``, moved straight towards ``measured`` until the tool is within ``leash`` of the measured one.

    ``position_of`` gives the tool's position (3,) m at joints (N,).
    """
    tool = position_of(measured)

    def near(fraction: float) -> bool:
        return float(np.linalg.norm(position_of(measured + fraction * (wanted - measured)) - tool)) <= leash

    return wanted if near(1.0) else measured + _largest_fraction(near) * (wanted - measured)


def leash_fraction(base: Array, delta: Array, measured: Array, leash: float) -> float:
    """Largest s in [0, 1] with ``base + s * delta`` within ``leash`` of ``measured``; ``base`` must be within it."""
    return _largest_fraction(lambda s: float(np.linalg.norm(base + s * delta - measured)) <= leash)


def leash_fraction_rotation(base: Array, rpy: Array, measured: Array, leash_rad: float) -> float:
    """Largest s in [0, 1] with ``R(s * rpy) base`` within ``leash_rad`` of ``measured``."""
    return _largest_fraction(lambda s: rotation_angle(matrix_from_rpy(s * rpy) @ base, measured) <= leash_rad)


def _largest_fraction(allowed: Callable[[float], bool]) -> float:
    if allowed(1.0):
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(20):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if allowed(middle) else (low, middle)
    return low
