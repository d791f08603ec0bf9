"""The executable `page`: the operator's page in a browser, with live view, goal, progress and buttons."""

from __future__ import annotations

import os
import sys

from crl_robot.nodes.process import run_node

BEHIND_THE_CONTROL = 5
"""Niceness: pictures for a browser must not make a control tick late."""


def main() -> int:
    """Run until SIGINT or SIGTERM; returns the exit code."""
    os.nice(BEHIND_THE_CONTROL)
    return run_node("crl_learning.nodes.page:PageNode")


if __name__ == "__main__":
    sys.exit(main())
