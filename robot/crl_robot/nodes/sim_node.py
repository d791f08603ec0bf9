"""The executable `sim`: the simulated arm and its cameras around one world, on the wall clock."""

from __future__ import annotations

import sys

from crl_robot.nodes.process import run_node


def main() -> int:
    """Run until SIGINT or SIGTERM; returns the exit code."""
    return run_node("crl_robot.nodes.sim_world:SimNode")


if __name__ == "__main__":
    sys.exit(main())
