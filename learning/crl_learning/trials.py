"""What an evaluation measured: one Trial per episode, its summary with intervals, and the files that hold both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from crl_learning.eval_pictures import Pictures
from crl_learning.statistics import wilson
from crl_robot.errors import ContractError


def episode_seed(seed: int, index: int) -> int:
    """The one number that draws trial ``index`` of evaluation seed ``seed``, below 2**31.

    Every way of evaluating draws with ``np.random.default_rng(episode_seed(seed, index))``, so trials are paired
    between checkpoints and ways; the simulation node takes it as a parameter, the demo as its seed.
    """
    return int(np.random.SeedSequence([seed, index]).generate_state(1)[0] >> 1)


ARM_RIGHT_M = 0.03
"""A tool within this distance of where the goal image shows it makes a failure an 'arm right, object wrong'."""


@dataclass(frozen=True)
class Moment:
    """What is true at one control tick.

    Attributes:
        distance_m: what is left to the goal.
        arm_distance_m: from the tool to where the goal image shows it.
        stage: stages of the task reached so far.
        tool: position (x, y, z) of the tool in m, base frame.
    """

    distance_m: float
    arm_distance_m: float
    stage: int
    tool: tuple[float, float, float]


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
        arm_final_m: last distance of the tool to where the goal image shows it; None where the tool is the task.
        stages, stage_reached: names of the task's stages, and how many were reached one after the other.
        tool_path: tool positions (x, y, z) in m at the same times as ``distances_m``; empty where not recorded.
        pictures: goal image and final view; None where no camera was looked at.
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
    arm_final_m: float | None = None
    stages: tuple[str, ...] = ()
    stage_reached: int = 0
    tool_path: tuple[tuple[float, float, float], ...] = field(default=(), repr=False)
    pictures: Pictures | None = field(default=None, compare=False, repr=False)

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

    @property
    def arm_right_object_wrong(self) -> bool:
        """Failed with the tool where the goal image shows it: the policy matched the arm and not the scene."""
        return self.arm_final_m is not None and not self.success_final and self.arm_final_m <= ARM_RIGHT_M

    @property
    def stage_words(self) -> str:
        """The last stage reached, in words."""
        return f"got as far as {self.stages[self.stage_reached - 1]}" if self.stage_reached else "no stage reached"

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
            "arm_distance_cm": "" if self.arm_final_m is None else round(100 * self.arm_final_m, 4),
            "arm_right_object_wrong": int(self.arm_right_object_wrong),
            "stage_reached": self.stage_reached,
            "stage": self.stages[self.stage_reached - 1] if self.stage_reached else "",
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
        "arm_right_object_wrong": _arm_right_object_wrong(trials),
        "stages": {
            name: sum(trial.stage_reached > number for trial in trials) / len(trials)
            for number, name in enumerate(trials[0].stages)
        },
    }


def _arm_right_object_wrong(trials: Sequence[Trial]) -> int | None:
    """How many trials failed so; None where the tool is the task."""
    known = [trial for trial in trials if trial.arm_final_m is not None]
    return sum(trial.arm_right_object_wrong for trial in known) if known else None
