"""Steps left and patience as the policy itself needs them: from its own recorded runs, in place of the data's.

Play takes detours, and its ticks tell how long play took. Recorded runs that succeeded tell how long the policy takes
between two views. The signal, the threshold of 'reached' and the reference stay those of the held-out data.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.store import Store
from crl_learning.goal_policy import GoalPolicy
from crl_learning.progress.calibrate import CalibrationSettings, compare_states, draw_pairs, patience_of
from crl_learning.progress.calibration import Calibration
from crl_learning.progress.export import load_calibrated, save_progress
from crl_learning.progress.fitting import step_curves
from crl_learning.progress.held_out import HeldOut, load_held_out
from crl_robot.errors import StoreError

MIN_RUNS = 10


def calibrate_on_runs(
    checkpoint: Path | str, store: Path | str, settings: CalibrationSettings | None = None
) -> dict[str, Any]:
    """Replace what a calibrated checkpoint says of steps left and of patience.

    Args:
        checkpoint: its folder.
        store: recorded runs of this policy, merged; those marked as failures are left out.
        settings: as for the calibration on data.

    Returns:
        Facts of it.

    Raises:
        CheckpointError: the checkpoint is not calibrated, or cannot be used.
        StoreError: the store has fewer than MIN_RUNS such runs, or cannot be read.
    """
    folder, settings = Path(checkpoint), settings or CalibrationSettings()
    export, measured = load_calibrated(folder)
    policy, source = GoalPolicy.load(folder), Store.open(store)
    runs = [meta.id for meta in source.metas() if meta.success is not False]
    if len(runs) < MIN_RUNS:
        raise StoreError(f"{store} has {len(runs)} runs that did not fail, expected at least {MIN_RUNS}; record more")
    data = load_held_out(source, policy.views, runs, settings.tolerance)
    calibration = of_runs(measured, policy, data, settings)
    save_progress(folder, replace(export, calibration=calibration), export.facts)
    return dict(calibration.facts["of_runs"])


def of_runs(calibration: Calibration, policy: GoalPolicy, data: HeldOut, settings: CalibrationSettings) -> Calibration:
    """The same with the steps and the patience of these runs."""
    rng = np.random.default_rng(settings.seed)

    def signal_of(states: NDArray[np.int64], goals: NDArray[np.int64]) -> NDArray[np.float64]:
        return calibration.signals_of(compare_states(policy, data, states, goals))

    states, goals, steps, own = draw_pairs(data, settings, rng)
    states, goals, steps = states[own], goals[own], steps[own]
    signal = signal_of(states, goals)
    patience = patience_of(data, settings, calibration.step, signal_of, rng, policy.action_spec.rate_hz)
    before = np.mean([calibration.steps(float(one)).expected for one in signal])
    facts = {
        "runs": len(data.lengths),
        "steps_in_runs": round(float(steps.mean()), 2),
        "expected_before": round(float(before), 2),
        "patience": patience,
        "patience_before": calibration.patience,
    }
    return calibration.with_steps(step_curves(signal, steps), patience, of_runs=facts)
