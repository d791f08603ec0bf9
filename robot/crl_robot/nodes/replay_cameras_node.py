"""The executable `replay_cameras`: prerecorded frames as cameras."""

from __future__ import annotations

import sys

from crl_robot.nodes.process import run_node


def main() -> int:
    """Run until SIGINT or SIGTERM; returns the exit code."""
    return run_node("crl_robot.nodes.replay_cameras:ReplayCamerasNode")


if __name__ == "__main__":
    sys.exit(main())
