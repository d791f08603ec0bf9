"""What an evaluation on OGBench found: one trial per start, its summary over the five goals, and their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crl_data.ogbench.names import GOALS
from crl_learning.csv_rows import write_rows
from crl_learning.statistics import wilson
from crl_learning.trials import episode_seed


@dataclass(frozen=True)
class OgbenchTrial:
    """One evaluated episode.

    Attributes:
        task: such as 'ogbench/pointmaze-medium-navigate-v0'.
        seed, index: the start was drawn with `episode_seed` of the two.
        goal: which of the environment's goals, 1 to 5.
        success: by the environment's own test, at any step; the trial ends with it.
        steps: actions taken.
    """

    task: str
    seed: int
    index: int
    goal: int
    success: bool
    steps: int

    @property
    def success_final(self) -> bool:
        """The same as ``success``: a trial ends at the goal."""
        return self.success

    @property
    def success_any(self) -> bool:
        """Likewise."""
        return self.success

    def row(self) -> dict[str, Any]:
        """Columns of trials.csv, successes as 0 or 1."""
        return asdict(self) | {"success": int(self.success), "episode_seed": episode_seed(self.seed, self.index)}


def goal_of(index: int) -> int:
    """The goal of trial ``index``: they take turns."""
    return index % GOALS + 1


def summarise(trials: Sequence[OgbenchTrial]) -> dict[str, Any]:
    """Shares of success with their 95 % Wilson intervals, over all trials of a task and for each goal."""
    share = _share(trials)
    met = sorted({trial.goal for trial in trials})
    return {
        "episodes": len(trials),
        **{f"{name}{end}": value for name in ("success_final", "success_any") for end, value in share.items()},
        "goals": {
            str(goal): {f"success{end}": value for end, value in _share([t for t in trials if t.goal == goal]).items()}
            for goal in met
        },
        "median_steps": float(np.median([trial.steps for trial in trials])),
    }


def write_trials(path: Path, trials: Sequence[tuple[str, OgbenchTrial]]) -> None:
    """Write one row per (policy, trial), in the given order."""
    rows = [{"policy": policy, **trial.row()} for policy, trial in trials]
    write_rows(path, rows)


def _share(trials: Sequence[OgbenchTrial]) -> dict[str, float]:
    interval = wilson(sum(trial.success for trial in trials), len(trials))
    return {"": interval.value, "_low": interval.low, "_high": interval.high}
