"""crl-bench: measurements of this machine, as a table and as flat facts in a JSON file."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crl_learning import (
    bench_critic_cli,
    bench_far_cli,
    bench_learning_cli,
    bench_play_cli,
    bench_progress_cli,
    bench_run_cli,
)
from crl_learning.bench_arm_cli import add_parsers
from crl_learning.bench_bar import bench_bar
from crl_robot.errors import nearest

BENCHES = (
    *("control", "goals", "kills", "record", "store", "cameras", "faults", "bus", "train", "sample", "play"),
    *("progress", "critic", "far"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run crl-bench; returns the exit code: 0 measured, 1 a node failed or a promise was broken, 2 refused."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words and not words[0].startswith("-") and words[0] not in BENCHES:
        sys.stderr.write(f"crl-bench: no bench is named '{words[0]}'; {nearest(words[0], BENCHES)}\n")
        return 2
    options = _parser().parse_args(words)
    from crl_learning.commands import run_command

    facts: dict[str, Any] = {}
    code = run_command("crl-bench", lambda: facts.update(_measure(options)))
    return code or int(facts.get("sound") is False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="crl-bench", description="Measure this machine.")
    benches = parser.add_subparsers(required=True, metavar="NAME")
    control = bench_run_cli.add_control_parser(benches)
    record = benches.add_parser("record", help="recording two cameras and the arm through the ROS graph")
    record.add_argument("--seconds", type=float, default=600.0, help="how long to record (default 600)")
    record.add_argument("--cameras", type=int, default=2, help="640x480 cameras at 30 Hz (default 2)")
    record.add_argument("--encoding", choices=("jpeg", "lossless"), default="jpeg", help="of the frames (default jpeg)")
    record.add_argument("--out", type=Path, help="folder that gets samples of CPU and memory, a plot, audit and logs")
    record.set_defaults(measure=_record)
    store = benches.add_parser("store", help="our store beside other formats, or what is left of it after crashes")
    store.add_argument("--episodes", type=int, default=20, help="episodes of 200 frames (default 20)")
    store.add_argument("--seed", type=int, default=0, help="of frames, batches and moments (default 0)")
    store.add_argument("--folder", type=Path, help="where to write; it decides which disk is measured")
    store.add_argument("--lerobot", metavar="PYTHON", help="interpreter with LeRobot (default $CRL_LEROBOT_PYTHON)")
    store.add_argument("--kill", type=int, metavar="N", help="instead: end writers in bad moments, N by kill -9")
    store.add_argument(
        "--full-disk", type=int, metavar="N", help="with --kill: runs on a full disk (default a quarter)"
    )
    store.set_defaults(measure=_store)
    cameras = benches.add_parser("cameras", help="from capture to callback in another process, raw and compressed")
    cameras.add_argument("--seconds", type=float, default=300.0, help="how long to measure each way (default 300)")
    cameras.add_argument("--cameras", type=int, default=2, help="640x480 cameras at 30 Hz (default 2)")
    cameras.set_defaults(measure=_cameras)
    learning = (
        *bench_run_cli.add_parsers(benches),
        *bench_learning_cli.add_parsers(benches),
        bench_play_cli.add_parser(benches),
        bench_progress_cli.add_progress_parser(benches),
        bench_critic_cli.add_critic_parser(benches),
        bench_far_cli.add_far_parser(benches),
    )
    for bench in (control, record, store, cameras, *add_parsers(benches), *learning):
        bench.add_argument("--json", type=Path, help="file that gets the facts")
    return parser


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    facts = options.measure(options)
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return facts


def _record(options: argparse.Namespace) -> dict[str, Any]:
    from crl_data.bench.record import run

    with bench_bar("recording", options.seconds) as on_second:
        facts = run(
            seconds=options.seconds,
            cameras=options.cameras,
            encoding=options.encoding,
            out=options.out,
            on_second=on_second,
        )
    _print_facts("recording", facts)
    return facts


def _cameras(options: argparse.Namespace) -> dict[str, Any]:
    from rich.console import Console

    from crl_robot.cameras.bench_cameras import run
    from crl_robot.cameras.bench_report import MODES, cameras_table

    with bench_bar("cameras", len(MODES) * options.seconds) as on_second:
        facts = run(seconds=options.seconds, cameras=options.cameras, on_second=on_second)
    Console().print(cameras_table(facts))
    return facts


def _store(options: argparse.Namespace) -> dict[str, Any]:
    if options.kill is not None or options.full_disk is not None:
        return _durability(options)
    from rich.console import Console

    from crl_data.bench.format_measure import Amount
    from crl_data.bench.formats import run
    from crl_data.bench.formats_report import formats_table, legend, write_bars
    from crl_learning.machine import keep_freed_memory

    keep_freed_memory()  # as training does
    console = Console()
    with console.status("") as status:
        python = options.lerobot or os.environ.get("CRL_LEROBOT_PYTHON")
        amount = Amount(options.episodes, seed=options.seed)
        facts = run(amount, options.folder, python, lambda name: status.update(f"measuring {name}"))
    console.print(formats_table(facts))
    console.print("\n".join(legend(facts)), highlight=False)
    if options.json is not None:
        picture = options.json.with_suffix(".png")
        write_bars(facts, picture)
        console.print(f"bars: {picture}", highlight=False)
    return facts


def _durability(options: argparse.Namespace) -> dict[str, Any]:
    from crl_data.bench.durability import run

    facts = run(kills=options.kill or 0, full_disk=options.full_disk, seed=options.seed, folder=options.folder)
    _print_facts("durability", facts)
    return facts


def _print_facts(title: str, facts: dict[str, Any]) -> None:
    """Numbers and words as a table; lists and groups are for the JSON file."""
    from rich.console import Console
    from rich.table import Table

    table = Table("", "", title=title, title_justify="left", show_header=False)
    for name, value in facts.items():
        if not isinstance(value, list | dict):
            table.add_row(name.replace("_", " "), f"{value:g}" if isinstance(value, float) else str(value))
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
