"""crl-bench critic: its flags and what it shows; the measurement is in critic_effect.py."""

from __future__ import annotations

import argparse
from typing import Any

from crl_learning.bench_bar import bench_bar

WORDS = {
    "moved_mm": "an action lies from the control's, mm",
    "step_mm": "an action is long, mm",
    "follows_object": "value and object's nearness, rank correlation",
    "follows_arm": "value and arm's nearness, rank correlation",
    "object_counts_more": "starts where the object counts more than the arm",
}


def add_critic_parser(benches: Any) -> argparse.ArgumentParser:
    """Add it to the sub-parsers of crl-bench."""
    parser = benches.add_parser("critic", help="how far a critic moves the actions, and what its value follows")
    parser.add_argument("--checkpoint", required=True, help="of stable_crl, learned from images or states")
    parser.add_argument("--control", required=True, help="the same actor trained without the critic")
    parser.add_argument("--episodes", type=int, default=100, help="trials of push (default 100)")
    parser.add_argument("--seed", type=int, default=2000, help="of the trials (default 2000)")
    parser.set_defaults(measure=run_critic)
    return parser


def run_critic(options: argparse.Namespace) -> dict[str, Any]:
    """Run the trials with a bar; show a table."""
    from rich.console import Console
    from rich.table import Table

    from crl_learning.critic_effect import critic_effect

    with bench_bar("critic", options.episodes) as advance:
        facts = critic_effect(options.checkpoint, options.control, options.episodes, options.seed, advance)
    table = Table("", "mean", "95 %", title=f"{options.episodes} trials of push", title_justify="left")
    for name, words in WORDS.items():
        value = facts[name]
        table.add_row(words, f"{value['mean']:.2f}", f"{value['low']:.2f} to {value['high']:.2f}")
    Console().print(table)
    return facts
