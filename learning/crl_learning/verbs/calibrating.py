"""`crl-run calibrate`: measures what a checkpoint's progress signal means, on data that it has not learned from."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_calibrate(verbs: Any) -> None:
    """Add the verb to the sub-parsers of crl-run."""
    parser = verbs.add_parser(
        "calibrate", help="measure steps left, 'reached' and 'not improving' of a checkpoint on held-out data"
    )
    parser.add_argument("checkpoint", help="its folder; gets a folder progress/ inside")
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--data", type=Path, metavar="STORE", help="trajectories of camera and robot")
    data.add_argument(
        "--runs", type=Path, metavar="STORE", help="recorded runs of this policy: only steps left and patience, anew"
    )
    data.add_argument(
        "--task", nargs="+", metavar="TASK", help="trials in simulation: steps left, patience and 'reached', anew"
    )
    parser.add_argument("--trials", type=int, default=200, help="of each task (default 200)")
    parser.add_argument(
        "--tool", type=float, default=2.0, metavar="CM", help="tool at the goal within so many cm (default 2)"
    )
    parser.add_argument(
        "--object", type=float, default=5.0, metavar="CM", help="objects at the goal within so many cm (default 5)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the draws, and of the trials (default 0)")
    parser.set_defaults(run=_calibrate)


def _calibrate(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from crl_learning.assets import checkpoint_folder
    from crl_learning.bench_bar import bench_bar
    from crl_learning.progress.calibrate import CalibrationSettings, calibrate_checkpoint
    from crl_learning.progress.held_out import Tolerance
    from crl_learning.progress.own_runs import calibrate_on_runs
    from crl_learning.progress.own_trials import calibrate_on_trials

    tolerance = Tolerance(arguments.tool / 100, arguments.object / 100)
    settings = CalibrationSettings(tolerance=tolerance, seed=arguments.seed)
    console = Console()
    folder = checkpoint_folder(arguments.checkpoint)
    if arguments.task is not None:
        with bench_bar("trials", len(arguments.task) * arguments.trials) as advance:
            facts = calibrate_on_trials(folder, arguments.task, arguments.trials, settings, advance)
    else:
        with console.status("comparing views and goals of trajectories"):
            if arguments.runs is not None:
                facts = calibrate_on_runs(folder, arguments.runs, settings)
            else:
                facts = calibrate_checkpoint(folder, arguments.data, settings=settings)
    for name, value in facts.items():
        console.print(f"{name}: {value}", highlight=False, markup=False, soft_wrap=True)
    return 0
