"""crl-bench faults and crl-bench bus: their flags and what they show; the measurements are in crl_robot.bench."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from crl_learning.bench_bar import bench_bar

_HEADINGS = {
    "injected": "n",
    "unsafe": "unsafe",
    "invented": "invented",
    "late": "late",
    "unclear": "unclear",
    "unrecovered": "stuck",
    "p50_ms": "p50",
    "max_ms": "max",
    "limit_ms": "limit",
}


def add_parsers(benches: Any) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """Add both to the sub-parsers of crl-bench."""
    faults = benches.add_parser("faults", help="faults of every kind while the emulated WidowX moves, judged apart")
    faults.add_argument("--n", type=int, default=1000, help="number of injections (default 1000)")
    faults.add_argument("--seed", type=int, default=0, help="of order, moments and values (default 0)")
    faults.add_argument("--out", type=Path, help="folder that gets a table of injections, a plot and the node's logs")
    faults.add_argument("--only", nargs="+", default=(), metavar="ROW", help="inject these rows alone")
    faults.set_defaults(measure=run_faults)
    bus = benches.add_parser("bus", help="cycles of the servo bus at 1 Mbps, and its loop with a policy beside it")
    bus.add_argument("--seconds", type=float, default=60.0, help="how long to keep the rate (default 60)")
    bus.add_argument("--rate", type=float, default=100.0, help="cycles a second (default 100)")
    bus.add_argument(
        "--checkpoint", default="models/reach", help="policy that runs beside (default models/reach); '' for none"
    )
    bus.set_defaults(measure=run_bus)
    return faults, bus


def run_faults(options: argparse.Namespace) -> dict[str, Any]:
    """Run the campaign with a bar; show a table of the rows."""
    from rich.console import Console

    from crl_robot.bench.faults import run

    with bench_bar("faults", options.n) as advance:
        facts = run(options.n, options.seed, options.out, options.only, lambda outcome: advance())
    Console().print(faults_table(facts))
    return facts


def faults_table(facts: dict[str, Any]) -> Any:
    """One line a row of the campaign, and all of them together last."""
    from rich import box
    from rich.table import Table

    table = Table(title="faults, times in ms", title_justify="left", box=box.SIMPLE_HEAD, collapse_padding=True)
    table.add_column("row", no_wrap=True)
    for heading in _HEADINGS.values():
        table.add_column(heading, justify="right")
    for row, counts in facts["rows"].items():
        table.add_row(row, *(f"{counts[name]:.0f}" for name in _HEADINGS))
    table.add_section()
    table.add_row("all", *(f"{facts[name]:.0f}" if name in facts else "" for name in _HEADINGS))
    return table


def run_bus(options: argparse.Namespace) -> dict[str, Any]:
    """Measure with a bar; show the numbers."""
    from rich.console import Console

    from crl_robot.bench.bus import run

    beside = [sys.executable, "-m", "crl_learning.bench_policy", options.checkpoint] if options.checkpoint else []
    with bench_bar("bus", options.seconds) as advance:
        facts = run(options.seconds, options.rate, beside, on_second=advance)
    console = Console()
    console.print(bus_table(facts))
    console.print(
        f"{facts['missed']} of {facts['ticks']} ticks at {facts['rate']:g} Hz missed, at most "
        f"{facts['longest_run_missed']} in a row; {facts['retried']} exchanges repeated",
        highlight=False,
    )
    return facts


def bus_table(facts: dict[str, Any]) -> Any:
    """The times in ms."""
    from rich.table import Table

    table = Table("ms", title="servo bus at 1 Mbps", title_justify="left")
    names = {
        "read_ms": "read all servos",
        "write_ms": "command them",
        "cycle_ms": "both",
        "lateness_ms": "tick late by",
    }
    for heading in ("p50", "p99", "max"):
        table.add_column(heading, justify="right")
    for key, words in names.items():
        table.add_row(words, *(f"{facts[key][part]:.2f}" for part in ("p50", "p99", "max")))
    return table
