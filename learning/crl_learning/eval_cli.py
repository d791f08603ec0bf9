"""crl-eval: trials of a checkpoint or a baseline, with intervals, raw records, curves and videos."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crl_learning.eval_config import EvalConfig

USAGE = """usage: crl-eval checkpoint=models/NAME task=reach episodes=200 seed=1000 out=out/eval
       crl-eval policy=oracle|random|still task=all

Settings are given as key=value. They and their defaults:

"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run crl-eval; returns the exit code: 0 done, 1 a node failed, 2 refused, 130 interrupted."""
    words = list(sys.argv[1:] if argv is None else argv)
    from crl_learning.commands import run_command

    return run_command("crl-eval", lambda: _work(words))


def _work(words: Sequence[str]) -> None:
    from crl_robot.resources import config_file

    if {"-h", "--help"} & set(words):
        print(USAGE + config_file("eval.yaml").read_text())
        return
    from crl_learning.eval_config import EvalConfig
    from crl_learning.settings import load_settings

    evaluate(load_settings(EvalConfig, config_file("eval.yaml"), words), ["crl-eval", *words])


def evaluate(config: EvalConfig, command: Sequence[str]) -> dict[str, Any]:
    """Run all trials, write the files of ``config.out`` and print the table; returns the summary of each task."""
    import torch  # noqa: F401  before MuJoCo opens a GL context: the other order crashes
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from crl_learning.actors import Subject
    from crl_learning.eval_report import result_table, write_curves
    from crl_learning.outputs import evaluation_folder
    from crl_learning.trials import Trial, summarise, write_summary, write_trials

    subject = Subject(config.checkpoint, config.policy)
    out = evaluation_folder(config.out, config.overwrite)
    console = Console()
    started = time.monotonic()
    trials: list[Trial] = []
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        for task in config.tasks:
            bar = progress.add_task(task, total=config.episodes)
            trials += _run_task(config, subject, task, out, lambda bar=bar: progress.advance(bar))
    tasks = {task: summarise([trial for trial in trials if trial.task == task]) for task in config.tasks}
    write_trials(out / "trials.csv", trials)
    write_curves(out / "curves.png", trials)
    write_summary(out / "summary.json", tasks, _facts(config, subject.kind, command, time.monotonic() - started))
    name = config.checkpoint or f"policy={config.policy}"
    console.print(result_table(tasks, f"{name}, via {config.via}, seed {config.seed}"))
    console.print(
        f"summary.json, trials.csv, curves.png and videos are in {out}", highlight=False, markup=False, soft_wrap=True
    )
    return tasks


def _run_task(config: EvalConfig, subject: Any, task: str, out: Path, on_trial: Any) -> list[Any]:
    if config.via != "direct":
        from crl_learning.eval_ros import run_ros

        checkpoint, seed, episodes, videos = str(config.checkpoint), config.seed, config.episodes, config.videos
        emulated = config.via == "emulated"
        return run_ros(task, checkpoint, seed, episodes, videos, out, on_trial, config.robot, emulated)
    from crl_learning.evaluate import record_videos, run_direct

    trials = run_direct(
        task, subject, config.seed, config.episodes, config.world, config.workers, on_trial, config.robot
    )
    record_videos(trials, config.videos, subject, config.world, out / "videos", config.robot)
    return trials


def _facts(config: EvalConfig, kind: str, command: Sequence[str], wall_s: float) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "command": " ".join(command),
        "policy": kind,
        "checkpoint": config.checkpoint,
        "seed": config.seed,
        "via": config.via,
        "robot": config.robot,
        "world": asdict(config.world),
        "wall_seconds": round(wall_s, 2),
    }


if __name__ == "__main__":
    sys.exit(main())
