"""crl-bench: measurements of this machine, as a table and as flat facts in a JSON file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crl_robot.errors import nearest

BENCHES = ("control",)


def main(argv: Sequence[str] | None = None) -> int:
    """Run crl-bench; returns the exit code: 0 measured, 1 a node failed, 2 refused, with the reason on stderr."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words and not words[0].startswith("-") and words[0] not in BENCHES:
        sys.stderr.write(f"crl-bench: no bench is named '{words[0]}'; {nearest(words[0], BENCHES)}\n")
        return 2
    options = _parser().parse_args(words)
    from crl_learning.commands import run_command

    return run_command("crl-bench", lambda: _measure(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="crl-bench", description="Measure this machine.")
    benches = parser.add_subparsers(required=True, metavar="NAME")
    control = benches.add_parser("control", help="punctuality of the control loop: sim and policy nodes over ROS")
    control.add_argument("--rate", type=float, default=5.0, help="control rate in Hz (default 5)")
    control.add_argument("--seconds", type=float, default=60.0, help="how long to control (default 60)")
    control.add_argument("--cameras", type=int, default=1, help="320x240 cameras that are drawn and sent (default 1)")
    control.add_argument(
        "--checkpoint",
        default="models/reach",
        help="policy folder (default models/reach); 'null' never moves and takes any rate",
    )
    control.add_argument("--json", type=Path, help="file that gets the facts")
    return parser


def _measure(options: argparse.Namespace) -> None:
    facts = _control(options)
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def _control(options: argparse.Namespace) -> dict[str, Any]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from crl_learning.bench_control import bench_control

    console = Console()
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("control", total=options.seconds)
        facts = bench_control(
            options.rate, options.seconds, options.cameras, options.checkpoint, lambda: progress.advance(bar)
        )
    console.print(_table(facts))
    console.print(
        f"{facts['missed']} of {facts['ticks']} ticks missed, {facts['dropped_frames']} frames lost", highlight=False
    )
    return facts


def _table(facts: dict[str, Any]) -> Any:
    from rich.table import Table

    table = Table(title=f"{facts['rate']:g} Hz, checkpoint {facts['checkpoint']}", title_justify="left")
    for heading in ("ms", "p50", "p99", "max"):
        table.add_column(heading, justify="left" if heading == "ms" else "right")
    names = {"lateness_ms": "tick begins late by", "age_ms": "camera to command", "inference_ms": "policy takes"}
    for key, words in names.items():
        if facts[key] is not None:
            table.add_row(words, *(f"{facts[key][part]:.2f}" for part in ("p50", "p99", "max")))
    return table


if __name__ == "__main__":
    sys.exit(main())
