"""The node processes of one robot, for the plain runner: the simulated arm, or the real driver on emulated hardware.

They are what robot.launch.py starts with robot:=sim, and with hardware:=emulated.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path

from crl_robot.errors import ConfigError, nearest
from crl_robot.graph import NodeCommand, Parameter

EMULATORS = {"widowx": "servo_bus", "sawyer": "rosbridge"}
PATIENCE: Mapping[str, Parameter] = {"connect_s": 60.0, "answer_ms": 80.0}
"""Of the arm node with an emulator, which starts together with it and shares the processor with all other nodes."""


def simulated_robot(robot: str, scene: Mapping[str, Parameter]) -> list[NodeCommand]:
    """One process: world, cameras and arm. ``scene`` are parameters of the sim node."""
    return [NodeCommand("sim", "crl_robot.nodes.sim_node", "ros/sim.yaml", {"robot": robot, **scene})]


def emulated_robot(robot: str, scene: Mapping[str, Parameter], folder: Path) -> list[NodeCommand]:
    """World, cameras and emulator in one process, the ordinary arm node in another; ``folder`` gets the serial port.

    Raises ConfigError when there is no emulator of ``robot``.
    """
    if robot not in EMULATORS:
        raise ConfigError(f"there is no emulator of '{robot}'; {nearest(robot, EMULATORS)}")
    link, port = str(folder.absolute() / "servo_bus"), _free_port()
    hardware: dict[str, Parameter] = {"emulate": EMULATORS[robot], "emulate_link": link, "emulate_port": port}
    arm: dict[str, Parameter] = {"robot": robot, "port": link, "rosbridge_port": port, **PATIENCE}
    return [
        *simulated_robot(robot, {**scene, **hardware}),
        NodeCommand("arm", "crl_robot.nodes.arm_node", "ros/arm.yaml", arm),
    ]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
