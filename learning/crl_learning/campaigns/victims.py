"""The graph whose nodes `crl-bench kills` kills, and what must follow of each.

With ``widowx`` the ordinary driver drives emulated servos, so that arm, camera and world are processes of their own:
the world goes on, and tells where the tool is, when any other is gone. With ``sim`` arm and world are one process.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from crl_learning.runtime.settings import UNATTENDED
from crl_robot.graph import NodeCommand, Parameter
from crl_robot.robot_commands import emulated_robot, simulated_robot

Reaction = Literal["holds", "goes_on", "falls_silent"]

TASK, CHECKPOINT, CAMERA, SIZE = "reach", "models/reach", "over_shoulder", (320, 240)
SPEED = 0.25
"""Of the policy: slow enough that the arm is on its way when a node is killed."""
RECORDER_LEAD_S = 0.5
LENS = "lens"
"""What the world draws is a topic of this name, which the camera node passes on."""
CHAIN_MS = 180.0
"""Message, executor and one exchange with the servos, 80 ms, and a period of 100 ms in which the truth is told."""


@dataclass(frozen=True)
class Victim:
    """A node that is killed.

    Attributes:
        name: of its process.
        reaction: the arm 'holds'; or it 'goes_on', because the run does not need the node; or, where the arm's hardware
            itself is gone, the policy 'falls_silent'.
        limit_ms: until then, from the kill.
        enables: whether an operator must enable the arm before it may move again.
    """

    name: str
    reaction: Reaction
    limit_ms: float
    enables: bool = False


ROBOTS = ("widowx", "sim")
VICTIMS = (
    Victim("policy", "holds", 420.0 + CHAIN_MS),
    Victim("camera", "holds", 1000.0 + CHAIN_MS),
    Victim("arm", "holds", 300.0 + CHAIN_MS, enables=True),
    Victim("sim", "falls_silent", 1000.0 + CHAIN_MS, enables=True),
    Victim("run_recorder", "goes_on", 0.0),
    Victim("page", "goes_on", 0.0),
)
"""Times as in docs/safety.md: policy_killed, camera_killed, watchdog; the last two are of nobody's concern."""


def victims_of(robot: str) -> tuple[Victim, ...]:
    """The nodes of that graph. The simulated arm has no node of its own, and is enabled when it comes up."""
    if robot == "widowx":
        return VICTIMS
    return tuple(replace(victim, enables=False) for victim in VICTIMS if victim.name != "arm")


@dataclass(frozen=True)
class Renamed(NodeCommand):
    """A node some of whose topics have other names."""

    topics: Mapping[str, str] = field(default_factory=dict)

    def argv(self) -> list[str]:
        return [*super().argv(), *(part for old, new in self.topics.items() for part in ("-r", f"{old}:={new}"))]


def kills_nodes(robot: str, folder: Path, runs: Path, goal: Path, page_port: int) -> list[NodeCommand]:
    """All nodes of a run with the operator's page; ``folder`` gets the emulated serial port."""
    scene: dict[str, Parameter] = {"task": TASK, "cameras": [CAMERA]}
    emulated = robot == "widowx"
    sim, *arm = emulated_robot("widowx", scene, folder) if emulated else simulated_robot("widowx", scene)
    names = (f"{CAMERA}/image_raw", f"{CAMERA}/image_raw/compressed", f"{CAMERA}/camera_info")
    world = Renamed(**vars(sim), topics={name: name.replace(CAMERA, LENS, 1) for name in names})
    camera: dict[str, Parameter] = {"name": CAMERA, "kind": "topic", "device": f"/{LENS}/image_raw"}
    camera |= {"width": SIZE[0], "height": SIZE[1], "frozen_after": 0}
    policy: dict[str, Parameter] = {"checkpoint": CHECKPOINT, "goal": str(goal), "speed": SPEED, **UNATTENDED}
    policy["lead_s"] = RECORDER_LEAD_S
    kept: dict[str, Parameter] = {"runs": str(runs)}
    return [
        world,
        *arm,
        NodeCommand("camera", "crl_robot.nodes.camera_node", "", camera),
        NodeCommand("run_recorder", "crl_learning.nodes.run_recorder_node", "ros/run_recorder.yaml", kept),
        NodeCommand("page", "crl_learning.nodes.page_node", "ros/page.yaml", {"port": page_port}),
        NodeCommand("policy", "crl_learning.nodes.policy_node", "ros/policy.yaml", policy),
    ]


def free_port() -> int:
    """A TCP port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
