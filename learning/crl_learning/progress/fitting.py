"""From held-out pairs of states and goals to a calibration: pure functions of distances, steps and runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crl_learning.progress.stall import Stall
from crl_learning.ranks import ranks

Array = NDArray[np.float64]

RATES = (0.01, 0.02, 0.05, 0.1, 0.2)
KNOTS = 24
OUTER = (0.1, 0.9)
"""Quantiles of the steps that are left: an interval that holds 80 % of the pairs."""


def fit_signal(distances: Array, steps: Array) -> tuple[Array, float]:
    """Weights (D,) and offset, all 0 or more, with offset + weights . log(1 + distances) ~ log(1 + steps).

    Least squares, by cyclic coordinate descent, which keeps every weight at 0 or above: a larger distance must never
    mean fewer steps.

    Args:
        distances: (N, D).
        steps: (N,) control ticks from state to goal.
    """
    x = np.column_stack([np.log1p(distances), np.ones(len(distances))])
    y = np.log1p(steps)
    gram, target = x.T @ x, x.T @ y
    weights = np.zeros(x.shape[1])
    for _ in range(2000):
        for i in range(len(weights)):
            gradient = target[i] - gram[i] @ weights
            weights[i] = max(0.0, weights[i] + gradient / max(gram[i, i], 1e-12))
    return weights[:-1], float(weights[-1])


def step_curves(signal: Array, steps: Array) -> tuple[Array, Array, Array, Array]:
    """Knots of the signal, rising, and the expected, low and high steps at them, falling; (K,) each."""
    order = np.argsort(signal)
    groups = [group for group in np.array_split(order, KNOTS) if len(group)]
    knots = np.array([signal[group].mean() for group in groups])
    keep = np.concatenate([[True], np.diff(knots) > 1e-9])
    curves = [
        np.array([steps[group].mean() for group in groups]),
        *(np.array([np.quantile(steps[group], q) for group in groups]) for q in OUTER),
    ]
    expected, low, high = (falling(curve)[keep] for curve in curves)
    return knots[keep], expected, np.minimum(low, expected), np.maximum(high, expected)


def falling(values: Array) -> Array:
    """The nearest sequence, in least squares, that never rises: neighbours that do are pooled (Ayer et al. 1955)."""
    pools: list[list[float]] = []
    for value in values:
        pools.append([float(value), 1.0])
        while len(pools) > 1 and pools[-2][0] < pools[-1][0]:
            (a, n), (b, m) = pools[-2], pools.pop()
            pools[-1] = [(a * n + b * m) / (n + m), n + m]
    return np.concatenate([np.full(int(count), mean) for mean, count in pools])


def held_level(signal: Array, hold: int) -> Array:
    """(T,) the lowest signal of the last ``hold`` ticks, -inf before there are so many."""
    levels = np.full(len(signal), -np.inf)
    if len(signal) >= hold:
        levels[hold - 1 :] = np.lib.stride_tricks.sliding_window_view(signal, hold).min(-1)
    return levels


def rates_of(count: int) -> tuple[float, ...]:
    """The false-positive rates that two or more of ``count`` goals or runs stand for; the largest in any case."""
    return tuple(rate for rate in RATES if rate * count >= 2) or (RATES[-1],)


def run_thresholds(highest: Sequence[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """False-positive rates that so many goals can tell, and the threshold of each.

    Args:
        highest: for each goal the highest signal of states that are just not there; -inf without any.

    A threshold just above the (1 - rate) quantile of them calls that share of goals reached although they are not.
    Rates that fewer than two of the goals stand for are left out.
    """
    levels = np.sort(np.asarray(highest, np.float64))
    finite = levels[np.isfinite(levels)]
    floor = finite[0] if len(finite) else 0.0
    levels = np.where(np.isfinite(levels), levels, floor)
    rates = rates_of(len(levels))
    return rates, tuple(float(np.quantile(levels, 1 - rate, method="higher")) + 1e-6 for rate in rates)


def stop_thresholds(levels: Sequence[Array], success: Sequence[NDArray[np.bool_]], rates: Sequence[float]) -> Array:
    """For each rate the lowest threshold from which on no more than that share of the runs stop away from the goal.

    Args:
        levels: (T,) of each run; it stops at the first that is at a threshold or above.
        success: bool (T,) of each run, whether it is at the goal.

    A run stops at a tick for the thresholds between its highest level before and that tick's own, the latter included.
    """
    spans = []
    for level, at_goal in zip(levels, success, strict=True):
        highest = np.maximum.accumulate(level)
        before = np.concatenate([[-np.inf], highest[:-1]])
        wrong = (highest > before) & ~at_goal
        spans.append(np.column_stack([before[wrong], highest[wrong]]))
    all_levels = np.concatenate(levels)
    lowest = float(all_levels[np.isfinite(all_levels)].min())
    ends = np.unique(np.concatenate([spans_of_run[:, 1] for spans_of_run in spans]))
    early = np.zeros(len(ends))
    for of_run in spans:
        early += ((of_run[:, :1] < ends) & (ends <= of_run[:, 1:])).any(axis=0)
    bad = [ends[early / len(levels) > rate] for rate in rates]
    return np.array([float(ends_of_rate.max()) + 1e-6 if len(ends_of_rate) else lowest for ends_of_rate in bad])


def longest_stall(signal: Array, step: float) -> int:
    """Ticks of the longest `Stall` in a run's signal (T,)."""
    stall, longest = Stall(step), 0
    for value in signal:
        stall.add(float(value))
        longest = max(longest, round(stall.ticks))
    return longest


def roc_auc(scores: Array, positive: NDArray[np.bool_]) -> float:
    """Area under the ROC curve by ranks, ties counted half (Mann and Whitney 1947); nan without both kinds."""
    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m:
        return float("nan")
    return float((ranks(scores)[positive].sum() - n * (n + 1) / 2) / (n * m))
