"""A training run that was evaluated while it went on, read from its folder for `crl-eval curves=`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crl_learning.algorithm_config import called
from crl_learning.csv_rows import read_rows
from crl_learning.run_evaluation import EVALUATION, SUCCESS, TRIALS
from crl_learning.run_folder import SETTINGS
from crl_learning.snapshot import FREE
from crl_robot.errors import ConfigError

OWN = {"seed", *FREE} - {"steps"}
"""Settings in which runs of one group may differ. The learning rate falls with a view to all the steps of a run."""

Counts = dict[int, tuple[int, int]]
"""By step: successes, and of how many trials."""


@dataclass(frozen=True)
class Run:
    """A run and what became of its trials.

    Attributes:
        algorithm: as people are told it.
        setting: equal for runs that differ in their seed alone.
        counts: of its evaluations, all on one ``task``.
    """

    folder: Path
    algorithm: str
    seed: int
    setting: str
    task: str
    counts: Counts


def read_run(folder: Path) -> Run:
    """A run with its evaluations. Raises ConfigError."""
    try:
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        trained = settings["algorithm"]
        algorithm, seed = called(str(trained["name"]), trained.get("critic_term", True)), int(settings["seed"])
        setting = json.dumps({name: value for name, value in settings.items() if name not in OWN}, sort_keys=True)
        counts = _counts(read_rows(folder / "metrics.csv"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{folder} cannot be read as a training run ({type(error).__name__}: {error}), expected {SETTINGS} and "
            "metrics.csv as crl-train writes them"
        ) from error
    if not counts:
        raise ConfigError(
            f"{folder} has no evaluations with their number of trials in metrics.csv, expected some to draw; train "
            "with evaluate_every=N evaluation.task=TASK"
        )
    if len(counts) > 1:
        raise ConfigError(
            f"{folder} was tried on {', '.join(sorted(counts))}, expected one task all along; resume a run with the "
            "evaluation.task that it began with"
        )
    ((task, of_task),) = counts.items()
    return Run(folder, algorithm, seed, setting, task, of_task)


def _counts(rows: Sequence[dict[str, str]]) -> dict[str, Counts]:
    """By task. An evaluation whose writing was cut off is none."""
    found: dict[tuple[str, int], dict[str, str]] = {}
    for row in rows:
        kind, _, name = row["name"].partition("/")
        task, _, counted = name.rpartition("/")
        if kind == EVALUATION:
            found.setdefault((task, int(row["step"])), {})[counted] = row["value"]
    counts: dict[str, Counts] = {}
    for (task, step), values in found.items():
        if SUCCESS in values and TRIALS in values:
            trials = int(values[TRIALS])
            counts.setdefault(task, {})[step] = round(float(values[SUCCESS]) * trials), trials
    return counts
