"""Makes the folder `progress/` of a checkpoint from a store: `crl-run calibrate`, and the end of `crl-train`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.store import Store
from crl_learning.goal_policy import GoalPolicy
from crl_learning.progress.calibration import Calibration
from crl_learning.progress.export import ProgressExport, save_progress
from crl_learning.progress.fitting import fit_signal, longest_stall, roc_auc, run_thresholds, step_curves
from crl_learning.progress.held_out import HeldOut, Tolerance, load_held_out, segments
from crl_learning.progress.reference_data import (
    camera_view,
    reference_frames,
    split_episodes,
    start_joints,
    tool_range,
)

ALMOST = 3
"""States of each kind that are just not at a goal."""
BETTER_PART = 0.005
"""Of the signal's range: a smaller rise is no progress."""

SignalOf = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float64]]
Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]


@dataclass(frozen=True)
class CalibrationSettings:
    """How it is measured.

    Attributes:
        tolerance: what counts as being at a goal.
        pairs, runs, goals: how many pairs of states and goals, ways to a goal and goals are drawn.
        horizon: most ticks from a state to its goal.
        hold_s: how long a signal must last to count as reached.
        patience_share: share of the ways to a goal that must end before the patience does.
        min_patience_s: least patience.
        seed: of the draws.
    """

    tolerance: Tolerance = field(default_factory=Tolerance)
    pairs: int = 4000
    runs: int = 300
    goals: int = 400
    horizon: int = 40
    hold_s: float = 0.4
    patience_share: float = 0.95
    min_patience_s: float = 2.0
    seed: int = 0


def calibrate_checkpoint(
    checkpoint: Path | str,
    store: Path | str,
    held_out: Sequence[str] | None = None,
    settings: CalibrationSettings | None = None,
) -> dict[str, Any]:
    """Measure progress signal, reference frames and camera of a checkpoint, and write them beside its networks.

    Args:
        checkpoint: its folder.
        store: data of the same camera and robot.
        held_out: episodes that the networks have not learned from; the last 40 % of the store's when None.

    Returns:
        Facts of the calibration.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        StoreError: the store is damaged, has too few episodes, or another camera.
    """
    folder, settings = Path(checkpoint), settings or CalibrationSettings()
    policy, source = GoalPolicy.load(folder), Store.open(store)
    learned, others = split_episodes(source, held_out)
    data = load_held_out(source, policy.views, others, settings.tolerance)
    calibration = calibrate(policy, data, settings)
    reference = reference_frames(source, policy, learned, data)
    low, high = tool_range(data)
    view, start = camera_view(source, policy.image_spec.camera), start_joints(source, learned)
    export = ProgressExport(calibration, reference, view, low, high, start)
    facts = {"store": str(store), "fingerprint": source.fingerprint(others), "episodes": len(others)}
    save_progress(folder, export, facts)
    return facts | (dict(calibration.facts) if calibration else {"calibrated": False})


def calibrate(policy: GoalPolicy, data: HeldOut, settings: CalibrationSettings) -> Calibration | None:
    """The calibration of a policy's progress signal; None where it has no distances."""
    rng = np.random.default_rng(settings.seed)
    states, goals, steps, own = draw_pairs(data, settings, rng)
    distances = compare_states(policy, data, states, goals)
    if not distances.shape[1]:
        return None
    weights, offset = fit_signal(distances, steps)

    def signal_of(of: NDArray[np.int64], towards: NDArray[np.int64]) -> NDArray[np.float64]:
        return -(offset + np.log1p(compare_states(policy, data, of, towards)) @ weights)

    rate_hz = policy.action_spec.rate_hz
    signal = -(offset + np.log1p(distances) @ weights)
    step = BETTER_PART * float(np.quantile(signal, 0.95) - np.quantile(signal, 0.05))
    rates, thresholds = run_thresholds(_almost_reached(data, settings.goals, signal_of, rng))
    patience = patience_of(data, settings, step, signal_of, rng, rate_hz)
    knots, expected, low, high = (tuple(curve.tolist()) for curve in step_curves(signal[own], steps[own]))
    return Calibration(
        weights=tuple(weights.tolist()),
        offset=offset,
        signal=knots,
        expected=expected,
        low=low,
        high=high,
        horizon=settings.horizon,
        rates=rates,
        thresholds=thresholds,
        hold=max(2, math.ceil(settings.hold_s * rate_hz)),
        patience=patience,
        step=step,
        facts=_facts(data, (states, goals, steps, own), signal) | {"goals": settings.goals, "runs": settings.runs},
    )


def _almost_reached(data: HeldOut, count: int, signal_of: SignalOf, rng: np.random.Generator) -> list[float]:
    """For each of ``count`` goals the highest signal of states that are just not there."""
    highest = []
    for goal in rng.integers(len(data.images), size=count):
        states = data.almost(int(goal), ALMOST, rng)
        highest.append(float(signal_of(states, np.full(len(states), goal)).max()) if len(states) else -math.inf)
    return highest


def patience_of(
    data: HeldOut,
    settings: CalibrationSettings,
    step: float,
    signal_of: SignalOf,
    rng: np.random.Generator,
    rate_hz: float,
) -> int:
    """Ticks without a better signal that only few of the ways to a goal need."""
    stalls = []
    for run in segments(data, settings.runs, settings.horizon, rng):
        goals = np.full(len(run), run[-1])
        near = data.near(run, goals)
        if not near[0]:
            way = run[: int(near.argmax()) + 1]
            stalls.append(longest_stall(signal_of(way, goals[: len(way)]), step))
    return patience_of_stalls(stalls, settings, rate_hz)


def patience_of_stalls(stalls: Sequence[int], settings: CalibrationSettings, rate_hz: float) -> int:
    """The same from the longest stall of each way to a goal."""
    patience = math.ceil(np.quantile(stalls, settings.patience_share)) + 1 if stalls else settings.horizon
    return max(patience, round(settings.min_patience_s * rate_hz))


def draw_pairs(data: HeldOut, settings: CalibrationSettings, rng: np.random.Generator) -> Pairs:
    """States, goals, the ticks between them, and whether they are of one trajectory; one in five is not, and far."""
    states, goals, steps, own = [], [], [], []
    for run in segments(data, settings.pairs, settings.horizon, rng):
        goal, other = int(run[-1]), rng.random() < 0.2
        state = int(rng.integers(len(data.images))) if other else int(rng.choice(run))
        states.append(state)
        goals.append(goal)
        steps.append(float(settings.horizon if other else goal - state))
        own.append(not other)
    return np.array(states), np.array(goals), np.array(steps), np.array(own)


def compare_states(
    policy: GoalPolicy, data: HeldOut, states: NDArray[np.int64], goals: NDArray[np.int64], batch: int = 256
) -> NDArray[np.float64]:
    """Distances float64 (n, D) of states from goals, (n,) rows of the data each."""
    parts = [
        policy.compare(data.images[states[i : i + batch]], data.images[goals[i : i + batch]])
        for i in range(0, len(states), batch)
    ]
    return np.concatenate(parts).astype(np.float64)


def _facts(data: HeldOut, pairs: Pairs, signal: NDArray[np.float64]) -> dict[str, Any]:
    """How well the signal tells on held-out pairs; a state is not compared with its own picture."""
    states, goals, steps, own = pairs
    apart = states != goals
    near, own = data.near(states, goals), own & apart
    one, other = (np.argsort(np.argsort(values[own])) for values in (-signal, steps))
    return {
        "trajectories": len(data.lengths),
        "pairs": len(states),
        "tool_tolerance_m": data.tolerance.tool_m,
        "object_tolerance_m": data.tolerance.object_m if data.knows_objects else None,
        "auc_near": round(roc_auc(signal[apart], near[apart]), 4),
        "rank_correlation_of_steps": round(float(np.corrcoef(one, other)[0, 1]), 4),
    }
