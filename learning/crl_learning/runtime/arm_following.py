"""How far an arm follows behind its commands over a run: the shift at which commanded and achieved ways fit best.

The commanded way goes along each command evenly for one control period, as the arm's node drives it. What is compared
is how far it came within a period, so that a way that was cut short once, at a limit, does not spoil what follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crl_learning.runtime.arm_motion import Command, Track

Array = NDArray[np.float64]

LONGEST_S = 1.0
STEP_S = 0.005
SHIFTS = round(LONGEST_S / STEP_S)
LEAST_COMMANDS = 10
LEAST_CORRELATION = 0.9
SURE = 3.84
"""The 95 % point of chi squared: shifts whose squared error, in units of the best one's mean, exceeds the best by more
than that are told apart from it."""


@dataclass(frozen=True)
class Following:
    """The arm is ``shift_ms`` behind, and not further than ``resolution_ms`` from that, over ``commands`` commands."""

    shift_ms: float
    resolution_ms: float
    correlation: float
    commands: int


def following(commands: Sequence[Command], track: Track, period_s: float) -> Following | None:
    """The best shift; None where the ways do not fit, or fit as well at shifts that lie a control period apart.

    Takes milliseconds for 20 s of a run.
    """
    if len(commands) < LEAST_COMMANDS:
        return None
    origin_ns, last_ns = commands[0].stamp_ns, commands[-1].stamp_ns
    part = track.between(origin_ns - round(1e9 * period_s), last_ns + round(1e9 * LONGEST_S))
    if len(part.stamps_ns) < LEAST_COMMANDS:
        return None
    states_s = (part.stamps_ns - origin_ns) / 1e9
    grid_s = np.arange(states_s[0] + period_s, states_s[-1], STEP_S)
    if len(grid_s) == 0:
        return None
    achieved, known = _achieved(grid_s, states_s, part.positions, period_s)
    commanded = _commanded(grid_s, commands, period_s)
    return _best(_fits(achieved, known, commanded), len(commands), track.period_ms, period_s)


def _achieved(grid_s: Array, states_s: Array, positions: Array, period_s: float) -> tuple[Array, Array]:
    """The ways (G, 3) that the arm came in the period before each time, and where they are known (G,), 1 or 0."""
    now, before = (
        np.stack([np.interp(times, states_s, positions[:, axis]) for axis in range(3)], axis=1)
        for times in (grid_s, grid_s - period_s)
    )
    ends = np.searchsorted(states_s, np.stack([grid_s, grid_s - period_s])).clip(1, len(states_s) - 1)
    gaps_s = states_s[ends] - states_s[ends - 1]
    known = np.asarray(gaps_s.max(axis=0) < period_s / 2, dtype=np.float64)
    return (now - before) * known[:, None], known


def _commanded(grid_s: Array, commands: Sequence[Command], period_s: float) -> Array:
    """The ways (G + N, 3) that were commanded for the period before each time, from N steps before the grid on."""
    origin_ns, steps = commands[0].stamp_ns, np.array([command.displacement for command in commands])
    told_s = np.array([command.stamp_ns - origin_ns for command in commands]) / 1e9
    knots_s = np.unique(np.concatenate([told_s, told_s + period_s]))
    ways = np.clip((knots_s[:, None] - told_s) / period_s, 0.0, 1.0) @ steps
    times_s = np.concatenate([grid_s[:1] - STEP_S * np.arange(SHIFTS, 0, -1), grid_s])
    now, before = (
        np.stack([np.interp(times, knots_s, ways[:, axis]) for axis in range(3)], axis=1)
        for times in (times_s, times_s - period_s)
    )
    return now - before


def _fits(achieved: Array, known: Array, commanded: Array) -> Array:
    """(N + 1,) correlation through zero of each shift, -1..1."""
    common = sum(np.correlate(commanded[:, axis], achieved[:, axis], "valid") for axis in range(3))
    sizes = np.correlate(np.square(commanded).sum(axis=1), known, "valid") * np.square(achieved).sum()
    return np.divide(common, np.sqrt(sizes), out=np.zeros(len(sizes)), where=sizes > 0)[::-1]


def _best(fits: Array, commands: int, state_ms: float, period_s: float) -> Following | None:
    best = int(fits.argmax())
    if fits[best] < LEAST_CORRELATION or best in (0, len(fits) - 1):
        return None
    errors = np.maximum(1.0 - np.square(fits.clip(0.0)), 1e-9)
    near = np.flatnonzero(errors <= errors[best] * (1.0 + SURE / commands))
    apart_ms = 1e3 * STEP_S * float(np.abs(near - best).max())
    if apart_ms > 1e3 * period_s:
        return None
    resolution_ms = max(apart_ms, 1e3 * STEP_S, state_ms / 2)
    return Following(1e3 * STEP_S * best, round(resolution_ms, 1), round(float(fits[best]), 3), commands)
