"""crl-bench far: its flags and what it shows; the measurement is in bench_far.py."""

from __future__ import annotations

import argparse
from typing import Any

from crl_learning.bench_bar import bench_bar


def add_far_parser(benches: Any) -> argparse.ArgumentParser:
    """Add it to the sub-parsers of crl-bench."""
    parser = benches.add_parser("far", help="simulated trials without a planner and with each: success and ticks")
    parser.add_argument("--checkpoint", default="models/push", help="with crl-run waypoints' map (default models/push)")
    parser.add_argument("--task", nargs="+", default=["push"], help="simulated tasks (default push)")
    parser.add_argument("--episodes", type=int, default=50, help="of each task, with each planner (default 50)")
    parser.add_argument("--seed", type=int, default=3000, help="of the episodes (default 3000)")
    parser.add_argument("--waypoints", type=int, default=3, help="most of a plan (default 3)")
    parser.set_defaults(measure=run_far)
    return parser


def run_far(options: argparse.Namespace) -> dict[str, Any]:
    """Run the trials with a bar; show a table."""
    from rich.console import Console

    from crl_learning.bench_far import bench_far
    from crl_learning.planning.plan import PLANNERS

    with bench_bar("far", len(options.task) * len(PLANNERS) * options.episodes) as advance:
        facts = bench_far(options.checkpoint, options.task, options.episodes, options.seed, options.waypoints, advance)
    Console().print(_table(facts))
    return facts


def _table(facts: dict[str, Any]) -> Any:
    """One row for each task and planner."""
    from rich.table import Table

    table = Table(title=f"{facts['checkpoint']}, {facts['episodes']} trials each", title_justify="left")
    for heading in ("task", "planner", "success at the end", "at any time", "ticks", "waypoints", "replans", "no plan"):
        table.add_column(heading, justify="left" if heading in ("task", "planner") else "right")
    for task, of_task in facts["tasks"].items():
        for name, row in of_task.items():
            share = f"{row['success_final']:.2f} [{row['success_final_low']:.2f}, {row['success_final_high']:.2f}]"
            ticks = row["median_ticks_to_success"]
            rest = f"{row['waypoints']:.1f}", f"{row['replans']:.2f}", str(row["no_plan"])
            table.add_row(task, name, share, f"{row['success_any']:.2f}", f"{ticks:g}" if ticks else "-", *rest)
    return table
