"""crl-bench control, goals and kills: their flags and what they show; what they measure is of the running graph."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from crl_learning.bench_bar import bench_bar

_KILLS = {
    "kills": "n",
    "limit_ms": "limit, ms",
    "stopped_max_ms": "stopped",
    "late": "late",
    "drift_max_mm": "drift, mm",
    "back_max_s": "back, s",
    "complaints": "complaints",
    "unsound_runs": "unsound runs",
}
_GOALS = {"offered": "n", "taken": "taken", "refused": "refused", "wrong": "wrong", "answer_max_ms": "max, ms"}


def add_control_parser(benches: Any) -> argparse.ArgumentParser:
    """Add control to the sub-parsers of crl-bench."""
    control = benches.add_parser("control", help="punctuality of the control loop: sim and policy nodes over ROS")
    control.add_argument("--rate", type=float, default=5.0, help="control rate in Hz (default 5)")
    control.add_argument("--rates", type=_rates, metavar="HZ,HZ", help="several rates, one after another")
    control.add_argument("--seconds", type=float, default=60.0, help="how long to control, at each rate (default 60)")
    control.add_argument("--cameras", type=int, default=1, help="cameras that are sent (default 1)")
    control.add_argument(
        "--checkpoint",
        default="models/reach",
        help="policy folder (default models/reach); 'null' never moves and takes any rate",
    )
    control.add_argument("--device", default="cpu", help="where the networks compute: cpu, cuda or auto (default cpu)")
    control.add_argument(
        "--replay",
        action="store_true",
        help="prerecorded frames of 640x480 at 30 Hz instead of drawn ones of 320x240; the networks take any rate then",
    )
    control.add_argument("--record", action="store_true", help="with --replay: every run is recorded")
    control.add_argument("--out", type=Path, help="folder that gets each tick (ticks_<rate>hz.csv) and a plot")
    control.set_defaults(measure=run_control)
    return control


def _rates(words: str) -> list[float]:
    return [float(word) for word in words.split(",")]


def run_control(options: argparse.Namespace) -> dict[str, Any]:
    """Measure every rate with a bar, and show a table of each; returns one rate's facts, or those of all by rate."""
    from rich.console import Console

    from crl_learning.bench_control import Load, bench_control
    from crl_learning.bench_control_report import plot_control, write_ticks

    load = Load(options.cameras, options.replay, options.record)
    rates, ticks, facts = options.rates or [options.rate], {}, {}
    console = Console()
    for rate in rates:

        def keep(timing: Any, rate: float = rate) -> None:
            ticks[rate] = list(timing)
            if options.out is not None:
                write_ticks(options.out / f"ticks_{rate:g}hz.csv", timing)

        with bench_bar(f"control at {rate:g} Hz", options.seconds) as on_second:
            facts[f"{rate:g}"] = one = bench_control(
                rate, options.seconds, load, options.checkpoint, options.device, on_second, keep
            )
        console.print(control_table(one))
        console.print(
            f"{one['missed']} of {one['ticks']} ticks missed, {one['dropped_frames']} frames lost{arm_words(one)}",
            highlight=False,
        )
    if options.out is not None:
        plot_control(options.out / "control.png", ticks)
    return {"rates": facts} if options.rates else facts[f"{options.rate:g}"]


def arm_words(facts: dict[str, Any]) -> str:
    """How long the arm took from a command to a motion; nothing where it did not move from rest."""
    motion = facts.get("arm_motion_ms")
    if motion is None:
        return ""
    return f"; the arm moved {motion['p50']:.0f} ms after a command (n {motion['n']}, to {motion['resolution']:.0f} ms)"


def control_table(facts: dict[str, Any]) -> Any:
    """The times in ms."""
    from rich.table import Table

    title = f"{facts['rate']:g} Hz, checkpoint {facts['checkpoint']}, {facts['device']}"
    table = Table(title=title, title_justify="left")
    for heading in ("ms", "p50", "p99", "max"):
        table.add_column(heading, justify="left" if heading == "ms" else "right")
    names = {"lateness_ms": "tick begins late by", "age_ms": "camera to command", "inference_ms": "policy takes"}
    for key, words in names.items():
        if facts[key] is not None:
            table.add_row(words, *(f"{facts[key][part]:.2f}" for part in ("p50", "p99", "max")))
    return table


def add_parsers(benches: Any) -> tuple[argparse.ArgumentParser, ...]:
    """Add both to the sub-parsers of crl-bench."""
    goals = benches.add_parser("goals", help="goals changed at random moments of a run, garbage among them")
    goals.add_argument("--n", type=int, default=1000, help="number of goals that are offered (default 1000)")
    goals.add_argument("--task", default="push", help="task whose scene is simulated (default push)")
    goals.add_argument("--checkpoint", default="", help="policy folder (default models/<task>)")
    goals.set_defaults(measure=run_goals)
    kills = benches.add_parser("kills", help="each node of a running graph killed at random moments")
    kills.add_argument("--n", type=int, default=100, help="kills of each node (default 100)")
    kills.add_argument("--only", nargs="+", default=(), metavar="NODE", help="kill these nodes alone")
    kills.add_argument(
        "--robot",
        choices=("widowx", "sim"),
        default="widowx",
        help="widowx: driver and emulated servos in processes of their own (default); sim: the simulated arm",
    )
    kills.set_defaults(measure=run_kills)
    for bench in (goals, kills):
        bench.add_argument("--seed", type=int, default=0, help="of kinds and moments (default 0)")
        bench.add_argument("--out", type=Path, help="folder that gets raw data, a plot and the nodes' logs")
    return goals, kills


def run_goals(options: argparse.Namespace) -> dict[str, Any]:
    """Run the campaign with a bar; show a table of the kinds."""
    from rich.console import Console

    from crl_learning.campaigns.goals import run

    with bench_bar("goals", options.n) as advance:
        facts = run(options.n, options.seed, options.out, options.task, options.checkpoint, advance)
    console = Console()
    console.print(counts_table("goals", _GOALS, facts, facts["kinds"]))
    console.print(
        f"{facts['missed']} of {facts['ticks']} ticks missed, longest gap {facts['longest_gap_ms']:.0f} ms; "
        f"{facts['strays']} of {facts['acted']} actions towards no goal that was taken; memory "
        f"{facts['memory_mb_begin']:.0f} to {facts['memory_mb_end']:.0f} MB, files {facts['files_begin']:.0f} to "
        f"{facts['files_end']:.0f}, threads {facts['threads_begin']:.0f} to {facts['threads_end']:.0f}",
        highlight=False,
    )
    return facts


def run_kills(options: argparse.Namespace) -> dict[str, Any]:
    """Run the campaign with a bar; show a table of the nodes."""
    from rich.console import Console

    from crl_learning.campaigns.kills import chosen, run

    nodes = chosen(options.n, options.only, options.robot)
    with bench_bar("kills", options.n * len(nodes)) as advance:
        facts = run(options.n, options.seed, options.out, options.only, options.robot, advance)
    Console().print(counts_table("kills", _KILLS, facts, facts["nodes"]))
    return facts


def counts_table(title: str, headings: dict[str, str], facts: dict[str, Any], rows: dict[str, Any]) -> Any:
    """One line a row, and all of them together last."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, collapse_padding=True)
    table.add_column("", no_wrap=True)
    for heading in headings.values():
        table.add_column(heading, justify="right")
    for name, counts in rows.items():
        table.add_row(name, *(f"{counts[key]:.0f}" for key in headings))
    table.add_section()
    table.add_row("all", *(f"{facts[key]:.0f}" if key in facts else "" for key in headings))
    return table
