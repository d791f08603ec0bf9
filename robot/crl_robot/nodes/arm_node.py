"""The executable `arm`: a real or emulated arm as a ROS node."""

from __future__ import annotations

import sys

from crl_robot.nodes.process import run_node


def main() -> int:
    """Run until SIGINT or SIGTERM; returns the exit code."""
    return run_node("crl_robot.nodes.arm:ArmNode", shared_memory=False)


if __name__ == "__main__":
    sys.exit(main())
