"""crl-bench progress: its flags and what it shows; the measurement is in bench_progress.py."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from crl_learning.bench_bar import bench_bar


def add_progress_parser(benches: Any) -> argparse.ArgumentParser:
    """Add it to the sub-parsers of crl-bench."""
    parser = benches.add_parser("progress", help="progress and 'reached' of a calibrated checkpoint against the truth")
    parser.add_argument("--checkpoint", default="models/reach", help="calibrated checkpoint (default models/reach)")
    parser.add_argument("--task", nargs="+", default=["reach"], help="simulated tasks (default reach)")
    parser.add_argument("--episodes", type=int, default=100, help="of each task (default 100)")
    parser.add_argument("--seed", type=int, default=2000, help="of the episodes (default 2000)")
    parser.add_argument("--rate", type=float, default=0.05, help="chosen share of early stops (default 0.05)")
    parser.add_argument("--gcbc", default="", metavar="CHECKPOINT", help="behaviour cloning to compare features with")
    parser.add_argument("--data", type=Path, metavar="STORE", help="play that no network has learned from, judged too")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="gets every tick (ticks_TASK.csv) and roc.png")
    parser.set_defaults(measure=run_progress)
    return parser


def run_progress(options: argparse.Namespace) -> dict[str, Any]:
    """Run the episodes with a bar; show a table."""
    from rich.console import Console

    from crl_learning.bench_progress import bench_progress
    from crl_learning.bench_progress_report import progress_table

    with bench_bar("progress", len(options.task) * options.episodes) as advance:
        facts = bench_progress(
            options.checkpoint,
            options.task,
            options.episodes,
            options.seed,
            options.rate,
            options.gcbc,
            options.data,
            options.out,
            advance,
        )
    console = Console()
    console.print(progress_table(facts))
    for task, of_task in facts["tasks"].items():
        stopping = of_task["stopping"]
        console.print(
            f"{task}: stopped early {stopping['stopped_early']:.3f} [{stopping['stopped_early_low']:.3f}, "
            f"{stopping['stopped_early_high']:.3f}] at rate {stopping['rate']:g}, at the goal "
            f"{stopping['stopped_at_goal']} of {stopping['succeeded']} that got there",
            highlight=False,
        )
    return facts
