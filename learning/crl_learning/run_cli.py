"""crl-run: what belongs to running a checkpoint towards goal images, besides the launch file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from crl_learning.verbs.calibrating import add_calibrate
from crl_learning.verbs.mapping import add_waypoints
from crl_learning.verbs.reporting import add_report


def main(argv: Sequence[str] | None = None) -> int:
    """Run crl-run; returns the exit code: 0 done, 2 refused, 130 interrupted."""
    arguments = _parser().parse_args(list(sys.argv[1:] if argv is None else argv))
    from crl_learning.commands import run_command

    return run_command("crl-run", lambda: arguments.run(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="crl-run",
        description="Runs towards goal images. The run itself: ros2 launch crl_bringup policy.launch.py goal:=img.png",
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for add in (add_calibrate, add_waypoints, add_report):
        add(verbs)
    return parser


if __name__ == "__main__":
    sys.exit(main())
