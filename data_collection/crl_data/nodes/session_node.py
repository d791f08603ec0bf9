"""The executable `session`: leads an operator through episode after episode."""

from __future__ import annotations

import sys

from crl_robot.nodes.process import run_node


def main() -> int:
    """Run until SIGINT or SIGTERM; returns the exit code."""
    return run_node("crl_data.nodes.session:SessionNode")


if __name__ == "__main__":
    sys.exit(main())
