"""The executable `camera`: one real camera, film or image topic as a ROS camera."""

from __future__ import annotations

import sys

from crl_robot.nodes.process import run_node


def main() -> int:
    """Run until SIGINT or SIGTERM; returns the exit code."""
    return run_node("crl_robot.nodes.camera:CameraNode")


if __name__ == "__main__":
    sys.exit(main())
