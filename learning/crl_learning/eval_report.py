"""What a person looks at after an evaluation: distance curves, a table, and videos of a few trials."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from crl_learning.eval_comparison import Group
from crl_learning.trials import Trial, summarise
from crl_robot.video import write_video

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CAPTION_HEIGHT = 24
VIDEO_FPS = 5.0
"""One control tick a frame at the usual control rate, so a video plays in real time."""


def result_table(tasks: dict[str, dict[str, Any]], title: str) -> Table:
    """One column per task: trials, shares of success with their 95 % intervals, distances; 80 characters hold two."""
    table = Table(title=title, title_justify="left")
    for heading in ("", *tasks):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for label, words in ROWS.items():
        table.add_row(label, *(words(summary) for summary in tasks.values()))
    return table


def _share(summary: dict[str, Any], key: str) -> str:
    return f"{100 * summary[key]:.1f} % [{100 * summary[f'{key}_low']:.1f}, {100 * summary[f'{key}_high']:.1f}]"


ROWS: dict[str, Callable[[dict[str, Any]], str]] = {
    "trials": lambda summary: str(summary["episodes"]),
    "at the end [95 %]": lambda summary: _share(summary, "success_final"),
    "at any time [95 %]": lambda summary: _share(summary, "success_any"),
    "final distance, median": lambda summary: f"{summary['median_final_distance_cm']:.2f} cm",
    "final distance, 90 %": lambda summary: f"{summary['p90_final_distance_cm']:.2f} cm",
}


def overview_table(groups: Sequence[Group], title: str) -> Table:
    """One row per policy and task: trials and shares of success, with the 95 % interval of the one at the end."""
    table = Table(title=title, title_justify="left")
    table.add_column("policy", overflow="fold")
    table.add_column("task", no_wrap=True)
    for heading in ("trials", "at the end [95 %]", "any time"):
        table.add_column(heading, justify="right", no_wrap=True)
    for group in groups:
        summary = summarise(group.trials)
        shares = _share(summary, "success_final"), f"{100 * summary['success_any']:.1f} %"
        table.add_row(group.subject, group.task, str(summary["episodes"]), *shares)
    return table


def write_curves(path: Path, groups: Sequence[Group]) -> None:
    """Per task: distance over control ticks (median, 10 to 90 % band) and a histogram of the final distance."""
    from matplotlib.figure import Figure

    tasks = list(dict.fromkeys(group.task for group in groups))
    figure = Figure(figsize=(10, 3.6 * len(tasks)), layout="constrained")
    axes = figure.subplots(len(tasks), 2, squeeze=False)
    for (over_time, histogram), task in zip(axes, tasks, strict=True):
        chosen = [group for group in groups if group.task == task]
        bins = np.linspace(0, max(100 * trial.final_m for group in chosen for trial in group.trials), 31)
        for group in chosen:
            _draw(over_time, histogram, group, bins, alone=len(chosen) == 1)
        tolerance = 100 * chosen[0].trials[0].tolerance_m
        over_time.axhline(tolerance, color="black", linewidth=1, linestyle="--", label=f"success: {tolerance:.1f} cm")
        histogram.axvline(tolerance, color="black", linewidth=1, linestyle="--")
        title = f"{task}, n = {len(chosen[0].trials)}"
        over_time.set(xlabel="control tick", ylabel="distance to goal (cm)", title=title)
        over_time.set_ylim(bottom=0)
        over_time.legend(fontsize="small")
        histogram.set(xlabel="final distance to goal (cm)", ylabel="trials", title=f"{task}, last control tick")
    figure.savefig(path, dpi=110)


def _draw(over_time: Axes, histogram: Axes, group: Group, bins: NDArray[np.float64], alone: bool) -> None:
    cm = 100 * np.array([trial.distances_m for trial in group.trials])  # (N, T + 1)
    low, median, high = np.quantile(cm, (0.1, 0.5, 0.9), axis=0)
    ticks = np.arange(cm.shape[1])
    band, line = ("10 to 90 % of trials", "median") if alone else (None, group.subject)
    over_time.fill_between(ticks, low, high, alpha=0.25 if alone else 0.12, label=band)
    over_time.plot(ticks, median, label=line)
    histogram.hist(cm[:, -1], bins=bins.tolist(), histtype="bar" if alone else "step")


def failures_first(trials: Sequence[Trial], count: int) -> list[Trial]:
    """The ``count`` trials worth watching: failures, worst first, then successes in order of their index."""
    return sorted(trials, key=lambda t: (t.success_final, t.index if t.success_final else -t.final_m))[:count]


def side_by_side(image: NDArray[np.uint8], goal: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Camera image and goal image, each uint8 (H, W, 3), as one frame (H, 2 W, 3) of a trial's film."""
    return np.hstack([image, goal])


def write_trial_video(folder: Path, trial: Trial, film: Sequence[NDArray[np.uint8]], fps: float = VIDEO_FPS) -> Path:
    """Write ``film``, one `side_by_side` frame per distance, as <task>_<index>_<success|failure>.mp4."""
    outcome = "success" if trial.success_final else "failure"
    return write_video(folder / f"{trial.task}_{trial.index:04d}_{outcome}.mp4", _captioned(trial, film), fps)


def _captioned(trial: Trial, film: Sequence[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """Each frame over a line that says the control tick and the distance."""
    for tick, (frame, distance) in enumerate(zip(film, trial.distances_m, strict=True)):
        line = np.full((CAPTION_HEIGHT, frame.shape[1], 3), 255, np.uint8)
        reached = "  at the goal" if distance <= trial.tolerance_m else ""
        _write(line, f"{trial.task} {trial.index}  tick {tick}  {100 * distance:.1f} cm{reached}", 6)
        _write(line, "goal", frame.shape[1] // 2 + 6)
        yield np.vstack([frame, line])


def _write(line: NDArray[np.uint8], text: str, x: int) -> None:
    cv2.putText(line, text, (x, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
