"""The executable `teleop`: the operator's device or a script in, actions for the arm out."""

from __future__ import annotations

import sys

from crl_robot.nodes.process import run_node


def main() -> int:
    """Run until SIGINT or SIGTERM; returns the exit code."""
    return run_node("crl_data.nodes.teleop:TeleopNode")


if __name__ == "__main__":
    sys.exit(main())
