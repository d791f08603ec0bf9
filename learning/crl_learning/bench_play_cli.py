"""crl-bench play: its flags and what it shows."""

from __future__ import annotations

import argparse
from typing import Any

ROWS = {
    "frames_per_s_per_core": ("frames/s of each core", ".1f"),
    "times_real_time": ("times real time", ".1f"),
    "ms_per_frame": ("ms per frame", ".1f"),
    "physics_share": ("share of physics", ".0%"),
    "rendering_share": ("share of rendering", ".0%"),
    "writing_share": ("share of writing", ".0%"),
    "control_share": ("share of the arm's controller", ".0%"),
    "choosing_share": ("share of choosing actions", ".0%"),
}


def add_parser(benches: Any) -> argparse.ArgumentParser:
    """Add it to the sub-parsers of crl-bench."""
    play = benches.add_parser("play", help="recording scripted play: frames/s of each core, and what takes the time")
    play.add_argument("--task", default="play_kitchen", help="play_kitchen, play or a task (default play_kitchen)")
    play.add_argument("--size", type=int, default=128, help="side of the square images in pixels (default 128)")
    play.add_argument("--seconds", type=float, default=30.0, help="at least so long, whole episodes (default 30)")
    play.add_argument("--workers", type=int, default=1, help="processes, as many as cores to load them all (default 1)")
    play.add_argument("--encoding", choices=("jpeg", "lossless"), default="jpeg", help="of the frames (default jpeg)")
    play.set_defaults(measure=run_play)
    return play


def run_play(options: argparse.Namespace) -> dict[str, Any]:
    """Measure play and show a table."""
    from rich.console import Console
    from rich.table import Table

    from crl_data.bench.play import PlayBench, run

    console = Console()
    with console.status("recording"):
        facts = run(PlayBench(options.task, options.size, options.seconds, options.workers, options.encoding))
    title = f"{facts['task']}, {facts['image']} {facts['encoding']}, {facts['workers']} of {facts['cores']} cores"
    table = Table("", "", title=title, title_justify="left", show_header=False)
    for name, (words, form) in ROWS.items():
        table.add_row(words, format(facts[name], form))
    console.print(table)
    return facts
