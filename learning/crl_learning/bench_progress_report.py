"""What `crl-bench progress` leaves: a line for each tick, ROC curves, and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_learning.csv_rows import write_rows
from crl_learning.progress.fitting import roc_auc
from crl_learning.progress.measuring import Watched


def write_report(folder: Path, tasks: Mapping[str, Sequence[Watched]]) -> None:
    """ticks_TASK.csv with a line for each control tick, and roc.png."""
    folder.mkdir(parents=True, exist_ok=True)
    for task, episodes in tasks.items():
        write_rows(folder / f"ticks_{task}.csv", _rows(episodes), digits=5)
    plot_roc(folder / "roc.png", tasks)


def roc_curve(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> tuple[Any, Any]:
    """Shares (K,) of the negatives and of the positives that score at least as high as each score, from none to all."""
    order = np.argsort(-scores, kind="stable")
    last_of_equals = np.append(np.diff(scores[order]) != 0, True)
    rates = [np.cumsum(chosen[order])[last_of_equals] / max(1, chosen.sum()) for chosen in (~positive, positive)]
    return np.append(0.0, rates[0]), np.append(0.0, rates[1])


def plot_roc(path: Path, tasks: Mapping[str, Sequence[Watched]]) -> None:
    """Write a PNG: for each task and signal, ticks at the goal that are called so over those that are not there."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * len(tasks), 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (task, episodes) in zip(figure.subplots(1, len(tasks), squeeze=False)[0], tasks.items(), strict=True):
        success = np.concatenate([episode.success for episode in episodes])
        axes.plot([0, 1], [0, 1], color="0.8")
        for name in episodes[0].signals:
            scores = np.concatenate([episode.signals[name] for episode in episodes])
            axes.plot(*roc_curve(scores, success), label=f"{name}, AUC {roc_auc(scores, success):.2f}")
        axes.set(title=f"{task}, {int(success.sum())} of {len(success)} ticks at the goal", aspect="equal")
        axes.set(xlabel="of the ticks elsewhere, called at the goal", ylabel="of the ticks at the goal")
        axes.legend(loc="lower right", fontsize="small")
    figure.savefig(path, dpi=110)


def _rows(episodes: Sequence[Watched]) -> list[dict[str, Any]]:
    return [
        {"episode": index, "tick": tick, "success": int(episode.success[tick])}
        | {"arm_right": int(episode.arm_right[tick])}
        | {name: float(values[tick]) for name, values in episode.signals.items()}
        for index, episode in enumerate(episodes)
        for tick in range(len(episode.success))
    ]


def progress_table(facts: dict[str, Any]) -> Any:
    """One row for each task and signal."""
    from rich.table import Table

    table = Table(title=f"{facts['checkpoint']}, {facts['episodes']} episodes a task", title_justify="left")
    for heading in ("task", "signal", "AUC of success", "rank correlation", "fooled"):
        table.add_column(heading, justify="left" if heading in ("task", "signal") else "right")
    parts = {"held-out data": facts["held_out"]} if "held_out" in facts else {}
    for task, of_task in (parts | facts["tasks"]).items():
        for name, values in of_task["signals"].items():
            fooled = f"{values['fooled']} of {values['arm_right_object_wrong']}"
            table.add_row(task, name, _interval(values, "auc"), _interval(values, "rank_correlation"), fooled)
    return table


def _interval(values: dict[str, Any], name: str) -> str:
    if values[name] is None:
        return "-"
    return f"{values[name]:.3f} [{values[f'{name}_low']:.3f}, {values[f'{name}_high']:.3f}]"
