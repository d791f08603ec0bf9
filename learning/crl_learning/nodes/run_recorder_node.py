"""The executable `run_recorder`: writes a folder for every run of the policy node."""

from __future__ import annotations

import sys

from crl_robot.nodes.process import run_node


def main() -> int:
    """Run until SIGINT or SIGTERM; returns the exit code."""
    return run_node("crl_learning.nodes.run_recorder:RunRecorderNode")


if __name__ == "__main__":
    sys.exit(main())
