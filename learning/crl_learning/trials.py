"""What an evaluation measured: one Trial per episode, its summary with intervals, and the files that hold both."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crl_learning.statistics import wilson
from crl_robot.errors import ContractError


def episode_seed(seed: int, index: int) -> int:
    """The one number that draws trial ``index`` of evaluation seed ``seed``, below 2**31.

    Every way of evaluating draws with ``np.random.default_rng(episode_seed(seed, index))``, so trials are paired
    between checkpoints and ways; the simulation node takes it as a parameter, the demo as its seed.
    """
    return int(np.random.SeedSequence([seed, index]).generate_state(1)[0] >> 1)


@dataclass(frozen=True)
class Trial:
    """One evaluated episode.

    Attributes:
        task: name of the task.
        seed, index: the episode was drawn with `episode_seed` of the two.
        start_tool, goal_tool: tool position (x, y, z) in m, base frame.
        start_object_xy, goal_object_xy: object position (x, y) in m, base frame.
        tolerance_m: a distance of at most this is a success.
        distances_m: distance to the goal before the first action and after each control tick.
    """

    task: str
    seed: int
    index: int
    start_tool: tuple[float, ...]
    goal_tool: tuple[float, ...]
    start_object_xy: tuple[float, ...]
    goal_object_xy: tuple[float, ...]
    tolerance_m: float
    distances_m: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.distances_m) < 2 or not np.isfinite(self.distances_m).all():
            raise ContractError(
                f"trial {self.index} has distances {list(self.distances_m)}, expected the one before the first action "
                "and one finite value per control tick"
            )

    @property
    def steps(self) -> int:
        """Control ticks taken."""
        return len(self.distances_m) - 1

    @property
    def final_m(self) -> float:
        return self.distances_m[-1]

    @property
    def min_m(self) -> float:
        """Smallest distance after any action."""
        return min(self.distances_m[1:])

    @property
    def success_final(self) -> bool:
        """At the goal after the last control tick."""
        return self.final_m <= self.tolerance_m

    @property
    def success_any(self) -> bool:
        """At the goal after any control tick."""
        return self.min_m <= self.tolerance_m

    def row(self) -> dict[str, Any]:
        """Flat columns of trials.csv: positions in m, distances in cm, successes 0 or 1."""
        points = {
            f"{name}_{axis}": round(value, 6)
            for name in ("start_tool", "goal_tool", "start_object", "goal_object")
            for axis, value in zip("xyz", getattr(self, name if "tool" in name else f"{name}_xy"), strict=False)
        }
        return {
            "task": self.task,
            "seed": self.seed,
            "trial": self.index,
            "episode_seed": episode_seed(self.seed, self.index),
            **points,
            "start_distance_cm": round(100 * self.distances_m[0], 4),
            "final_distance_cm": round(100 * self.final_m, 4),
            "min_distance_cm": round(100 * self.min_m, 4),
            "success_final": int(self.success_final),
            "success_any": int(self.success_any),
            "steps": self.steps,
        }


def summarise(trials: Sequence[Trial]) -> dict[str, Any]:
    """Shares of success with their 95 % Wilson intervals, and distances in cm, of trials of one task.

    Raises:
        ContractError: there is no trial, or trials of several tasks are mixed.
    """
    tasks = {trial.task for trial in trials}
    if len(tasks) != 1:
        raise ContractError(f"got {len(trials)} trials of tasks {sorted(tasks)}, expected trials of exactly one task")
    final_cm = 100 * np.array([trial.final_m for trial in trials])
    summary: dict[str, Any] = {"episodes": len(trials)}
    for name in ("success_final", "success_any"):
        interval = wilson(sum(getattr(trial, name) for trial in trials), len(trials))
        summary |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return summary | {
        "median_start_distance_cm": float(np.median([100 * trial.distances_m[0] for trial in trials])),
        "median_final_distance_cm": float(np.median(final_cm)),
        "p90_final_distance_cm": float(np.quantile(final_cm, 0.9)),
        "max_final_distance_cm": float(final_cm.max()),
        "tolerance_cm": 100 * trials[0].tolerance_m,
        "steps": trials[0].steps,
    }


def write_trials(path: Path, trials: Sequence[Trial]) -> None:
    """Write one row per trial, in the given order."""
    rows = [trial.row() for trial in trials]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_summary(path: Path, tasks: dict[str, dict[str, Any]], facts: dict[str, Any]) -> None:
    """Write ``{"tasks": tasks, **facts}``; the keys of a single task also stand at the top."""
    top = next(iter(tasks.values())) if len(tasks) == 1 else {}
    path.write_text(json.dumps({"tasks": tasks, **top, **facts}, indent=2) + "\n", encoding="utf-8")
