"""crl-bench progress: what the progress signal is worth in simulation, beside pixels and cloned features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_learning.assets import checkpoint_folder
from crl_learning.bench_progress_held_out import CLONING, CRITIC, PIXELS, held_out_facts, pixel_signal
from crl_learning.bench_progress_report import write_report
from crl_learning.goal_policy import GoalPolicy
from crl_learning.progress.calibration import Calibration
from crl_learning.progress.export import load_calibrated
from crl_learning.progress.measuring import Watched, differences, signal_facts, stop_facts
from crl_learning.progress.trial_runs import TrialRun, trial_runs
from crl_robot.errors import ConfigError

SCORE = "critic_score"


def bench_progress(
    checkpoint: str,
    tasks: Sequence[str],
    episodes: int,
    seed: int,
    rate: float = 0.05,
    gcbc: str = "",
    data: Path | None = None,
    out: Path | None = None,
    on_episode: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Run a calibrated checkpoint and judge every tick; returns facts by task.

    Args:
        tasks: names of simulated tasks.
        rate: chosen false-positive rate of a run.
        gcbc: checkpoint of behaviour cloning whose features are compared; '' for none.
        data: store that no network has learned from, for the facts under 'held_out'; None for none.
        out: folder that gets a line for each tick (ticks_TASK.csv) and the ROC curves (roc.png).
        on_episode: called after each of ``len(tasks) * episodes`` episodes.

    Raises:
        CheckpointError: a checkpoint cannot be used, or the first one is not calibrated.
        ConfigError: fewer than two episodes.
        StoreError: ``data`` cannot be read.
    """
    if episodes < 2:
        raise ConfigError(f"episodes is {episodes}, expected at least 2")
    folder = Path(checkpoint_folder(checkpoint))
    policy, (_, calibration) = GoalPolicy.load(folder), load_calibrated(folder)
    cloning = GoalPolicy.load(checkpoint_folder(gcbc)) if gcbc else None
    period_s = policy.action_spec.period_s
    facts: dict[str, Any] = {"checkpoint": checkpoint, "gcbc": gcbc, "episodes": episodes, "seed": seed, "tasks": {}}
    if data is not None:
        facts["held_out"] = held_out_facts(policy, cloning, calibration, data, seed)
    watched = {}
    for task in tasks:
        runs = trial_runs(policy, task, episodes, seed, on_episode)
        watched[task] = [_watched(run, cloning, calibration) for run in runs]
        facts["tasks"][task] = task_facts(watched[task], calibration, rate, period_s, seed)
    if out is not None:
        write_report(out, watched)
    return facts


def task_facts(
    watched: Sequence[Watched], calibration: Calibration, rate: float, period_s: float, seed: int
) -> dict[str, Any]:
    """Facts of one task's episodes."""
    rng = np.random.default_rng(seed)
    names = list(watched[0].signals)
    others = [name for name in names if name != CRITIC]
    return {
        "signals": {name: signal_facts(watched, name, rng) for name in names},
        "differences": differences(watched, CRITIC, others, rng),
        "stopping": stop_facts(watched, CRITIC, calibration, rate, period_s),
    }


def _watched(run: TrialRun, cloning: GoalPolicy | None, calibration: Calibration) -> Watched:
    """A run with the signals that are compared."""
    signals = {
        CRITIC: calibration.signals_of(run.distances),
        SCORE: run.estimates,
        PIXELS: np.array([pixel_signal(view, run.goal) for view in run.views]),
    }
    if cloning is not None:
        signals[CLONING] = -_features(cloning, run.views, run.goal)
    return Watched(signals, run.success, run.arm_right)


def _features(cloning: GoalPolicy, seen: NDArray[np.uint8], goal: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Distance (T,) of what behaviour cloning's encoder makes of view and goal from what it makes of goal and goal."""
    return cloning.compare(seen, np.broadcast_to(goal, seen.shape)).sum(-1).astype(np.float64)
