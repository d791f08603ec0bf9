"""Steps left, patience and 'reached' as the policy itself needs them: from its own trials in simulation.

The held-out data stand in for runs: they show views that are hardest to tell from a goal, more of them than a run comes
by, and the ticks of play. In a trial the truth is known at every tick: what it takes to the goal, and which stop would
have been too early. The signal and the reference stay those of the held-out data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_learning.goal_policy import GoalPolicy
from crl_learning.progress.calibrate import CalibrationSettings, patience_of_stalls
from crl_learning.progress.calibration import Calibration
from crl_learning.progress.export import load_calibrated, save_progress
from crl_learning.progress.fitting import held_level, longest_stall, rates_of, step_curves, stop_thresholds
from crl_learning.progress.measuring import ticks_left
from crl_learning.progress.trial_runs import trial_runs
from crl_robot.errors import ConfigError

MIN_SUCCESSES = 20
"""Of each task: below, a policy cannot tell how its successes look."""


@dataclass(frozen=True)
class JudgedRun:
    """The progress signal (T,) of a run, and whether the world was at the goal, bool (T,)."""

    signal: NDArray[np.float64]
    success: NDArray[np.bool_]


def calibrate_on_trials(
    checkpoint: Path | str,
    tasks: Sequence[str],
    episodes: int,
    settings: CalibrationSettings | None = None,
    on_episode: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Replace what a calibrated checkpoint says of steps left, of patience and of having reached a goal.

    Args:
        checkpoint: its folder.
        tasks: names of simulated tasks of its robot; a threshold holds its rate in each of them.
        episodes: trials of each task.
        settings: its seed draws the trials; choose another one than for what is reported afterwards.
        on_episode: called after each trial.

    Returns:
        Facts of it.

    Raises:
        CheckpointError: the checkpoint is not calibrated, or cannot be used.
        ConfigError: there is no such task, there are too few trials, or hardly one comes to its goal.
    """
    folder, settings = Path(checkpoint), settings or CalibrationSettings()
    export, measured = load_calibrated(folder)
    if episodes < MIN_SUCCESSES:
        raise ConfigError(f"{episodes} trials of a task, expected at least {MIN_SUCCESSES}")
    policy = GoalPolicy.load(folder)
    runs = {
        task: [
            JudgedRun(measured.signals_of(run.distances), run.success)
            for run in trial_runs(policy, task, episodes, settings.seed, on_episode)
        ]
        for task in dict.fromkeys(tasks)
    }
    calibration = of_trials(measured, runs, settings, policy.action_spec.rate_hz)
    save_progress(folder, replace(export, calibration=calibration), export.facts)
    return dict(calibration.facts["of_trials"])


def of_trials(
    calibration: Calibration, runs: Mapping[str, Sequence[JudgedRun]], settings: CalibrationSettings, rate_hz: float
) -> Calibration:
    """The same with the steps, the patience and the thresholds of these runs, by task."""
    for task, of_task in runs.items():
        reached = sum(bool(run.success.any()) for run in of_task)
        if reached < MIN_SUCCESSES:
            raise ConfigError(
                f"{reached} of {len(of_task)} trials of '{task}' came to their goal, expected at least "
                f"{MIN_SUCCESSES}; run more of them, or calibrate on data alone"
            )
    every = [run for of_task in runs.values() for run in of_task]
    signal = np.concatenate([run.signal for run in every])
    left = np.concatenate([ticks_left(run.success) for run in every])
    known = np.isfinite(left)
    ways = [run.signal[: int(run.success.argmax()) + 1] for run in every if run.success.any()]
    stalls = [longest_stall(way, calibration.step) for way in ways]
    patience = patience_of_stalls(stalls, settings, rate_hz)
    rates = rates_of(min(map(len, runs.values())))
    thresholds = np.max([_thresholds(of_task, calibration.hold, rates) for of_task in runs.values()], axis=0)
    facts = {
        "tasks": {task: len(of_task) for task, of_task in runs.items()},
        "came_to_their_goal": len(ways),
        "patience": patience,
        "patience_before": calibration.patience,
        "reached": dict(zip(map(str, rates), map(float, np.round(thresholds, 4)), strict=True)),
        "reached_before": dict(
            zip(map(str, calibration.rates), np.round(calibration.thresholds, 4).tolist(), strict=True)
        ),
        "seed": settings.seed,
    }
    stepped = calibration.with_steps(step_curves(signal[known], left[known]), patience, of_trials=facts)
    return replace(stepped, horizon=int(left[known].max()), rates=rates, thresholds=tuple(thresholds))


def _thresholds(runs: Sequence[JudgedRun], hold: int, rates: Sequence[float]) -> NDArray[np.float64]:
    return stop_thresholds([held_level(run.signal, hold) for run in runs], [run.success for run in runs], rates)
