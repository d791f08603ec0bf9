"""The executable `gamepad`: a gamepad on /joy, without the ROS package joy."""

from __future__ import annotations

import sys

from crl_robot.nodes.process import run_node


def main() -> int:
    """Run until SIGINT or SIGTERM; returns the exit code."""
    return run_node("crl_data.nodes.devices:GamepadNode")


if __name__ == "__main__":
    sys.exit(main())
