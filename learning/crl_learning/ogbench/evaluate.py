"""`crl-eval task=ogbench/...`: trials on the five goals of each environment, with its own success test."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from crl_data.ogbench.names import PREFIX
from crl_learning.eval_comparison import TrialGroup, compare_all
from crl_learning.eval_config import EvalConfig
from crl_learning.eval_files import by_policy, evaluation_facts, training_facts
from crl_learning.eval_page import share
from crl_learning.evaluate import run_jobs
from crl_learning.ogbench.runner import FILM_FPS, Film, OgbenchJob
from crl_learning.ogbench.trials import OgbenchTrial, summarise, write_trials
from crl_learning.outputs import evaluation_folder
from crl_robot.video import write_video

OgbenchGroup = TrialGroup[OgbenchTrial]


def evaluate_ogbench(config: EvalConfig, command: Sequence[str], console: Console) -> list[OgbenchGroup]:
    """Run all trials, write summary.json, trials.csv and videos into ``config.out``, and print the table."""
    jobs = [
        OgbenchJob(subject, task, seed, config.episodes)
        for subject in config.subjects
        for task in config.tasks
        for seed in config.seeds
    ]
    for job in {job.setting: job for job in jobs}.values():
        job.require_usable()
    more = training_facts(config.checkpoints) | {"ogbench": version("ogbench")}
    out, started = evaluation_folder(config.out, config.overwrite), time.monotonic()
    groups = _run(jobs, config.workers, console)
    for group in groups:
        _record_videos(group, jobs, config.videos, out / "videos")
    write_trials(out / "trials.csv", [(group.subject, trial) for group in groups for trial in group.trials])
    found = [(group.subject, group.task, summarise(group.trials)) for group in groups]
    facts = evaluation_facts(config, command, time.monotonic() - started, more)
    summary = by_policy(found, compare_all(groups), facts)
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    console.print(_table(found, ", ".join(map(str, config.seeds))))
    console.print(f"summary.json, trials.csv and videos are in {out}", highlight=False, markup=False, soft_wrap=True)
    return groups


def _run(jobs: Sequence[OgbenchJob], workers: int, console: Console) -> list[OgbenchGroup]:
    """The trials of all seeds of a subject on a task are one group."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("trials", total=sum(job.episodes for job in jobs))
        trials = run_jobs(jobs, workers, lambda _: progress.advance(bar))
    found: dict[tuple[str, str], list[OgbenchTrial]] = {}
    for job, some in zip(jobs, trials, strict=True):
        found.setdefault((job.subject.name, job.task), []).extend(some)
    return [TrialGroup(subject, task, tuple(some)) for (subject, task), some in found.items()]


def _record_videos(group: OgbenchGroup, jobs: Sequence[OgbenchJob], count: int, folder: Path) -> None:
    """Run ``count`` trials once more, failures first, which repeats them exactly, and write their films."""
    chosen = sorted(group.trials, key=lambda trial: (trial.success, trial.seed, trial.index))[:count]
    if not chosen:
        return
    runner = next(job for job in jobs if (job.subject.name, job.task) == (group.subject, group.task)).runner()
    name = "_".join(words.strip("/.").replace("/", "_") for words in (group.subject, group.task))
    for trial in chosen:
        film: Film = []
        runner.run(trial.seed, trial.index, film)
        outcome = "success" if trial.success else "failure"
        write_video(folder / f"{name}_{trial.seed}_{trial.index:04d}_{outcome}.mp4", film, FILM_FPS)
    runner.close()


def _table(found: Sequence[tuple[str, str, dict[str, Any]]], seeds: str) -> Table:
    """One row per policy and task."""
    table = Table(title=f"OGBench, seed {seeds}", title_justify="left")
    for heading in ("policy", "data set", "trials", "success [95 %]", "of each goal (%)"):
        named = heading in ("policy", "data set")
        table.add_column(heading, justify="left" if named else "right", overflow="fold")
    for subject, task, summary in found:
        goals = " ".join(f"{100 * goal['success']:.0f}" for goal in summary["goals"].values())
        table.add_row(
            subject, task.removeprefix(PREFIX), str(summary["episodes"]), share(summary, "success_final"), goals
        )
    return table
