"""The executable of the arm that is only messages."""

from __future__ import annotations

import sys

from crl_robot.nodes.process import run_node


def main() -> int:
    """Run until SIGINT or SIGTERM; returns the exit code."""
    return run_node("crl_data.bench.nodes.fake_arm:FakeArmNode")


if __name__ == "__main__":
    sys.exit(main())
