"""The executable `spacemouse`: a 3D mouse on /joy."""

from __future__ import annotations

import sys

from crl_robot.nodes.process import run_node


def main() -> int:
    """Run until SIGINT or SIGTERM; returns the exit code."""
    return run_node("crl_data.nodes.devices:SpaceMouseNode")


if __name__ == "__main__":
    sys.exit(main())
