"""crl-eval curves=[RUN,RUN,...]: success in trials over the steps of training runs, seeds of one setting together."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from crl_learning.csv_rows import write_rows
from crl_learning.outputs import evaluation_folder
from crl_learning.statistics import Interval, wilson
from crl_robot.errors import ConfigError

OWN = ("seed", "out", "resume", "threads", "minutes", "cache", "cache_gb")
"""Settings in which the runs of one group may differ."""


@dataclass(frozen=True)
class Run:
    """A training run that was evaluated while it went on.

    Attributes:
        settings: as in settings.json.
        successes: by step, of ``trials`` each.
    """

    folder: Path
    settings: dict[str, Any]
    task: str
    trials: int
    successes: dict[int, int]

    @property
    def setting(self) -> str:
        """Equal for runs that differ in their seed alone."""
        return json.dumps({name: value for name, value in self.settings.items() if name not in OWN}, sort_keys=True)


@dataclass(frozen=True)
class Group:
    """Runs of one setting, with one seed each."""

    name: str
    runs: tuple[Run, ...]

    def shares(self) -> dict[int, Interval]:
        """By step that every run was evaluated at: success over all trials of all seeds."""
        common = set.intersection(*(set(run.successes) for run in self.runs))
        trials = sum(run.trials for run in self.runs)
        return {step: wilson(sum(run.successes[step] for run in self.runs), trials) for step in sorted(common)}


def draw_curves(folders: Sequence[str], out: str, overwrite: bool, console: Console) -> list[Group]:
    """Read the runs, write curves.png and curves.csv into ``out`` and print a table of the last evaluations.

    Raises:
        ConfigError: a folder is no training run, was not evaluated, or the runs have different tasks.
    """
    runs = [read_run(Path(folder)) for folder in folders]
    tasks = sorted({run.task for run in runs})
    if len(tasks) > 1:
        raise ConfigError(f"the runs were tried on {', '.join(tasks)}, expected one task; draw each by itself")
    groups = grouped(runs)
    where = evaluation_folder(out, overwrite)
    write_rows(where / "curves.csv", _rows(groups))
    _plot(where / "curves.png", groups, tasks[0])
    console.print(_table(groups, tasks[0]))
    console.print(f"curves.png and curves.csv are in {where}", highlight=False, markup=False, soft_wrap=True)
    return groups


def read_run(folder: Path) -> Run:
    """A run with its evaluations. Raises ConfigError."""
    try:
        settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
        task, trials = settings["evaluation"]["task"], settings["evaluation"]["episodes"]
        with (folder / "metrics.csv").open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["name"] == f"evaluation/{task}/success_final"]
        successes = {int(row["step"]): round(float(row["value"]) * trials) for row in rows}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{folder} cannot be read as a training run ({error}), expected settings.json and metrics.csv as crl-train "
            "writes them"
        ) from error
    if not successes:
        raise ConfigError(
            f"{folder} was not evaluated while it went on, expected trials to draw; train with evaluate_every=N "
            "evaluation.task=TASK"
        )
    return Run(folder, settings, task, trials, successes)


def grouped(runs: Sequence[Run]) -> list[Group]:
    """Runs of one setting together, in the order given; named after the algorithm, two of one also after a folder.

    Raises:
        ConfigError: two runs have one setting and one seed.
    """
    together: dict[str, list[Run]] = {}
    for run in runs:
        together.setdefault(run.setting, []).append(run)
    for same in together.values():
        if len({run.settings["seed"] for run in same}) < len(same):
            names = ", ".join(str(run.folder) for run in same)
            raise ConfigError(f"of {names} two have the same settings and seed, expected each once")
    names = [same[0].settings["algorithm"]["name"] for same in together.values()]
    return [
        Group(name if names.count(name) == 1 else f"{name} ({same[0].folder.name})", tuple(same))
        for name, same in zip(names, together.values(), strict=True)
    ]


def _rows(groups: Sequence[Group]) -> list[dict[str, Any]]:
    return [
        {"group": group.name, "seed": run.settings["seed"], "step": step, "successes": successes, "trials": run.trials}
        for group in groups
        for run in group.runs
        for step, successes in sorted(run.successes.items())
    ]


def _table(groups: Sequence[Group], task: str) -> Table:
    table = Table(title=f"{task}, success at the last evaluation", title_justify="left")
    for heading in ("trained with", "seeds", "step", "trials", "% [95 %]"):
        table.add_column(heading, justify="left" if heading == "trained with" else "right", no_wrap=True)
    for group in groups:
        shares = group.shares()
        step, share = max(shares.items()) if shares else (0, None)
        words = f"{100 * share.value:.1f} [{100 * share.low:.1f}, {100 * share.high:.1f}]" if share else "-"
        table.add_row(group.name, str(len(group.runs)), str(step), str(sum(run.trials for run in group.runs)), words)
    return table


def _plot(path: Path, groups: Sequence[Group], task: str) -> None:
    """Write a PNG: a line and a 95 % band for each group over all its trials, a thin line for each seed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for number, group in enumerate(groups):
        shares, colour = group.shares(), f"C{number % 10}"
        for run in group.runs:
            steps = sorted(run.successes)
            of_seed = [100 * run.successes[step] / run.trials for step in steps]
            axes.plot(steps, of_seed, color=colour, linewidth=0.6, alpha=0.5)
        if shares:
            low, high = ([100 * getattr(share, end) for share in shares.values()] for end in ("low", "high"))
            axes.fill_between(list(shares), low, high, color=colour, alpha=0.15, linewidth=0)
            middle = [100 * share.value for share in shares.values()]
            axes.plot(list(shares), middle, color=colour, linewidth=2, marker="o", markersize=3, label=group.name)
    axes.set_xlabel("gradient steps")
    axes.set_ylabel("success, % of trials")
    axes.set_ylim(-2, 102)
    axes.set_title(task, loc="left", fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)
