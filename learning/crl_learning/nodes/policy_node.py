"""The executable `policy`: one goal image and the camera's images in, actions for the arm out."""

from __future__ import annotations

import sys

from crl_robot.nodes.process import run_node


def main() -> int:
    """Run until SIGINT or SIGTERM; returns the exit code."""
    return run_node("crl_learning.nodes.policy:PolicyNode")


if __name__ == "__main__":
    sys.exit(main())
