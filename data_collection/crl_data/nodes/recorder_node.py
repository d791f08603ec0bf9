"""The executable `recorder`: what the arm does and the cameras see, into a trajectory store."""

from __future__ import annotations

import sys

from crl_robot.nodes.process import run_node


def main() -> int:
    """Run until SIGINT or SIGTERM; returns the exit code."""
    return run_node("crl_data.nodes.recorder:RecorderNode")


if __name__ == "__main__":
    sys.exit(main())
