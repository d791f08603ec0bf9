"""Ranks of values, and how two orders agree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def ranks(values: Array) -> NDArray[np.float64]:
    """Ranks (n,) from 1, the mean of their ranks for equal values."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def rank_correlation(one: Array, other: Array) -> float:
    """Spearman's, of two arrays (n,); nan of fewer than three."""
    return float(np.corrcoef(ranks(one), ranks(other))[0, 1]) if len(one) >= 3 else float("nan")
