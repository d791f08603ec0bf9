"""Runs what the settings of crl-eval ask for, and leaves everything that it found in one folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch  # noqa: F401  before MuJoCo opens a GL context: the other order crashes
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from crl_learning.eval_comparison import Group, compare_all
from crl_learning.eval_config import EvalConfig
from crl_learning.eval_files import (
    evaluation_facts,
    training_facts,
    training_words,
    write_summary,
    write_trajectories,
    write_trials,
)
from crl_learning.eval_page import write_page
from crl_learning.eval_pictures import PAIRS, Pair, write_pairs
from crl_learning.eval_report import overview_table, result_table, write_curves
from crl_learning.evaluate import Job, record_videos, run_jobs
from crl_learning.outputs import evaluation_folder
from crl_learning.trials import Trial, summarise

TABLE_TASKS = 2
"""Tasks that fit beside each other into 80 characters."""


def evaluate(config: EvalConfig, command: Sequence[str], console: Console) -> list[Group]:
    """Run all trials, write the files of ``config.out`` and print the table."""
    jobs, trained = config.jobs(), training_facts(config.checkpoints)
    out = evaluation_folder(config.out, config.overwrite)
    started = time.monotonic()
    groups = _run(config, jobs, out, console)
    comparisons = compare_all(groups)
    facts = evaluation_facts(config, command, time.monotonic() - started, trained | _world_facts(config))
    write_summary(out / "summary.json", groups, comparisons, facts)
    write_trials(out / "trials.csv", groups)
    write_trajectories(out / "trajectories.npz", groups)
    write_curves(out / "curves.png", groups)
    _write_pairs(out, groups)
    videos = sorted((out / "videos").glob("**/*.mp4"))
    write_page(out / "report.html", groups, comparisons, _about(config, facts), videos)
    _tell(console, groups, config, out)
    return groups


def _run(config: EvalConfig, jobs: Sequence[Job], out: Path, console: Console) -> list[Group]:
    """The trials of all jobs, those of one subject and task together."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(config.via, total=sum(job.episodes for job in jobs))

        def on_trial(job: Job) -> None:
            progress.update(bar, advance=1, description=f"{job.subject.name}: {job.task}")

        run = _run_direct if config.via == "direct" else _run_graph
        return run(config, jobs, out, on_trial)


def _run_direct(config: EvalConfig, jobs: Sequence[Job], out: Path, on_trial: Callable[[Job], None]) -> list[Group]:
    groups = _grouped(jobs, run_jobs(jobs, config.workers, on_trial))
    for group in groups:
        job = next(job for job in jobs if (job.subject.name, job.task) == (group.subject, group.task))
        record_videos(job, group.trials, config.videos, _video_folder(config, out, job))
    return groups


def _run_graph(config: EvalConfig, jobs: Sequence[Job], out: Path, on_trial: Callable[[Job], None]) -> list[Group]:
    from crl_learning.eval_ros import GraphRun, run_ros

    found = []
    for job in jobs:
        films = _video_folder(config, out, job) / (f"seed_{job.seed}" if len(config.seeds) > 1 else "")
        how = GraphRun(config.via == "emulated", config.lockstep, config.videos, films)
        log = out / "log" if len(config.subjects) == len(config.seeds) == 1 else out / "log" / _file_name(job)
        found.append(run_ros(job, how, log, lambda job=job: on_trial(job)))
    return _grouped(jobs, found)


def _grouped(jobs: Sequence[Job], trials: Sequence[list[Trial]]) -> list[Group]:
    """The trials of all seeds of a subject on a task are one group."""
    found: dict[tuple[str, str], list[Trial]] = {}
    for job, some in zip(jobs, trials, strict=True):
        found.setdefault((job.subject.name, job.task), []).extend(some)
    return [Group(subject, task, tuple(some)) for (subject, task), some in found.items()]


def _write_pairs(out: Path, groups: Sequence[Group]) -> None:
    """pairs.png, or with several groups one sheet of each in pairs/."""
    for group in groups:
        pairs = [
            Pair(trial.pictures, f"{trial.seed}/{trial.index}: {100 * trial.final_m:.1f} cm left", trial.success_final)
            for trial in group.trials
            if trial.pictures is not None
        ]
        name = f"pairs/{_plain(group.subject)}_{_plain(group.task)}.png" if len(groups) > 1 else "pairs.png"
        if pairs:
            write_pairs(out / name, pairs[:PAIRS])


def _video_folder(config: EvalConfig, out: Path, job: Job) -> Path:
    return out / "videos" / _plain(job.subject.name) if len(config.subjects) > 1 else out / "videos"


def _file_name(job: Job) -> str:
    return f"{_plain(job.subject.name)}_{job.seed}"


def _plain(name: str) -> str:
    """A name as part of a file name."""
    return name.strip("/.").replace("/", "_")


def _world_facts(config: EvalConfig) -> dict[str, Any]:
    return {
        "via": config.via,
        "lockstep": config.lockstep,
        "robot": config.robot,
        "world": asdict(config.world),
        "randomisation": config.randomisation.to_dict(),
        "goal_world": config.goal_world,
    }


def _about(config: EvalConfig, facts: dict[str, Any]) -> dict[str, Any]:
    """What the page tells of the evaluation as a whole."""
    from crl_robot.sim.world import WorldOptions

    usual = asdict(WorldOptions())
    changed = {key: value for key, value in facts["world"].items() if value != usual[key]}
    world = ", ".join(f"{key}={value}" for key, value in changed.items()) or "unchanged"
    way = f"{config.via}, in lock step" if config.lockstep or config.via == "direct" else f"{config.via}, wall clock"
    varied = ", ".join(facts["randomisation"]) or "nothing"
    names = {"robot": config.robot, "way": way, "live world": world, "varied": varied, "seeds": facts["seed"]}
    trained = {name: training_words(one) for name, one in facts.get("trained", {}).items()}
    if trained:
        names["trained by"] = "; ".join(f"{name}: {words}" for name, words in trained.items())
    return {"command": facts["command"], **names, "trials per seed": config.episodes, "code": facts["code"]}


def _tell(console: Console, groups: Sequence[Group], config: EvalConfig, out: Path) -> None:
    subjects = {group.subject for group in groups}
    seeds = ", ".join(str(seed) for seed in config.seeds)
    if len(subjects) == 1 and len(groups) <= TABLE_TASKS:
        name = config.subjects[0].name if config.checkpoint else f"policy={config.subjects[0].name}"
        tasks = {group.task: summarise(group.trials) for group in groups}
        console.print(result_table(tasks, f"{name}, via {config.via}, seed {seeds}"))
    else:
        console.print(overview_table(groups, f"via {config.via}, seed {seeds}"))
    console.print(
        f"report.html, summary.json, trials.csv, pictures and videos are in {out}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
