"""`crl-run waypoints`: keeps frames of the data beside a checkpoint, for a planner to find ways to far goals over."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_waypoints(verbs: Any) -> None:
    """Add the verb to the sub-parsers of crl-run."""
    parser = verbs.add_parser(
        "waypoints", help="keep frames of the data for far goals: policy.launch.py planner:=graph or interpolation"
    )
    parser.add_argument("checkpoint", help="its folder, calibrated before; gets a folder planner/ inside")
    parser.add_argument("--data", type=Path, required=True, metavar="STORE", help="trajectories of camera and robot")
    parser.add_argument("--frames", type=int, default=300, help="most frames to keep; 5 MB at most (default 300)")
    parser.add_argument(
        "--longest", type=float, default=12.0, metavar="TICKS", help="longest edge of the graph (default 12)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the encoder's training (default 0)")
    parser.set_defaults(run=_waypoints)


def _waypoints(arguments: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import Progress

    from crl_learning.assets import checkpoint_folder
    from crl_learning.planning.build import MapSettings, build_planner
    from crl_learning.planning.chain import ChainSettings

    settings = MapSettings(arguments.frames, arguments.longest, ChainSettings(seed=arguments.seed))
    console = Console()
    with Progress(console=console, transient=True) as bars:

        def on_part(name: str, total: float) -> Any:
            bar = bars.add_task(name, total=total)
            return lambda: bars.advance(bar)

        folder = Path(checkpoint_folder(arguments.checkpoint))
        facts = build_planner(folder, arguments.data, settings, on_part)
    for name, value in facts.items():
        console.print(f"{name}: {value}", highlight=False, markup=False, soft_wrap=True)
    return 0
