"""`crl-robot`: look after an arm (doctor, jog, home, release, reboot, clear) and its cameras (calibrate)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from crl_robot.errors import CrlError
from crl_robot.verbs import calibrate, doctor, moving


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code (2 for a refusal)."""
    parsed = _parser().parse_args(arguments)
    try:
        return parsed.run(parsed)
    except CrlError as error:
        print(f"crl-robot: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("crl-robot: stopped; an arm that was moving holds, with its torque on", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="crl-robot",
        description="Look after a WidowX arm (docs/widowx.md) and the cameras of any arm (docs/cameras.md).",
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    doctor.add(verbs)
    moving.add(verbs)
    calibrate.add(verbs)
    return parser


if __name__ == "__main__":
    sys.exit(main())
