"""crl-eval curves=[RUN,RUN,...]: success in trials over the steps of training runs, seeds of one setting together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from crl_learning.csv_rows import write_rows
from crl_learning.evaluated_run import Counts, Run, read_run
from crl_learning.outputs import evaluation_folder
from crl_learning.statistics import Interval, wilson
from crl_robot.errors import ConfigError


@dataclass(frozen=True)
class Seeds:
    """Runs of one setting, with one seed each.

    Raises:
        ConfigError: two have one seed, or no step is one that all of them were evaluated at.
    """

    name: str
    runs: tuple[Run, ...]

    def __post_init__(self) -> None:
        folders = ", ".join(str(run.folder) for run in self.runs)
        if len({run.seed for run in self.runs}) < len(self.runs):
            raise ConfigError(f"of {folders} two have the same settings and seed, expected each once")
        if not self.counts():
            raise ConfigError(
                f"{folders} differ in their seed alone and were evaluated at no step that all of them have, expected "
                "some; train with the same evaluate_every, or draw each by itself"
            )

    def counts(self) -> Counts:
        """Over all trials of all seeds, at each step that every run was evaluated at."""
        common = set.intersection(*(set(run.counts) for run in self.runs))
        return {
            step: (sum(run.counts[step][0] for run in self.runs), sum(run.counts[step][1] for run in self.runs))
            for step in sorted(common)
        }

    def shares(self) -> dict[int, Interval]:
        """By step: success."""
        return {step: wilson(*count) for step, count in self.counts().items()}


def draw_curves(folders: Sequence[str], out: str, overwrite: bool, console: Console) -> list[Seeds]:
    """Read the runs, write curves.png and curves.csv into ``out`` and print a table of the last evaluations.

    Raises:
        ConfigError: a folder is no training run, was not evaluated, or the runs do not belong into one picture.
    """
    runs = [read_run(Path(folder).expanduser()) for folder in folders]
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


def grouped(runs: Sequence[Run]) -> list[Seeds]:
    """Runs of one setting together, in the order given. Raises ConfigError as `Seeds`."""
    together: dict[str, list[Run]] = {}
    for run in runs:
        together.setdefault(run.setting, []).append(run)
    names = _names([same[0] for same in together.values()])
    return [Seeds(name, tuple(same)) for name, same in zip(names, together.values(), strict=True)]


def _names(runs: Sequence[Run]) -> list[str]:
    """For each the first that no other has: its algorithm, with its folder's name, with the whole path."""
    ways = [
        [run.algorithm for run in runs],
        [f"{run.algorithm} ({run.folder.name})" for run in runs],
        [f"{run.algorithm} ({run.folder})" for run in runs],
    ]
    return [next((way[i] for way in ways if way.count(way[i]) == 1), ways[-1][i]) for i in range(len(runs))]


def _rows(groups: Sequence[Seeds]) -> list[dict[str, Any]]:
    return [
        {"group": group.name, "seed": run.seed, "step": step, "successes": successes, "trials": trials}
        for group in groups
        for run in group.runs
        for step, (successes, trials) in sorted(run.counts.items())
    ]


def _table(groups: Sequence[Seeds], task: str) -> Table:
    table = Table(title=f"{task}, success at the last evaluation", title_justify="left")
    for heading in ("trained with", "seeds", "step", "trials", "% [95 %]"):
        left = heading == "trained with"
        table.add_column(heading, justify="left" if left else "right", no_wrap=not left, overflow="fold")
    for group in groups:
        step, (successes, trials) = max(group.counts().items())
        share = wilson(successes, trials)
        table.add_row(group.name, str(len(group.runs)), str(step), str(trials), share.in_percent)
    return table


def _plot(path: Path, groups: Sequence[Seeds], task: str) -> None:
    """Write a PNG: a line and a 95 % band for each group over all its trials, a thin line for each seed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for number, group in enumerate(groups):
        shares, colour = group.shares(), f"C{number % 10}"
        for run in group.runs:
            steps = sorted(run.counts)
            of_seed = [100 * run.counts[step][0] / run.counts[step][1] for step in steps]
            axes.plot(steps, of_seed, color=colour, linewidth=0.6, alpha=0.5)
        low, middle, high = (
            [100 * getattr(share, name) for share in shares.values()] for name in ("low", "value", "high")
        )
        axes.fill_between(list(shares), low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(list(shares), middle, color=colour, linewidth=2, marker="o", markersize=3, label=group.name)
    axes.set_xlabel("gradient steps")
    axes.set_ylabel("success, % of trials")
    axes.set_ylim(-2, 102)
    axes.set_title(task, loc="left", fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)
