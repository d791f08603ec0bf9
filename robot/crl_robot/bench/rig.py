"""What a fault campaign works on: the emulated arm, the arm's node as a process, and the command source."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crl_robot.bench.device import Device
from crl_robot.bench.device_log import DeviceLog
from crl_robot.bench.judge import DEFAULT_BOX, Box
from crl_robot.bench.outgoing import unchanged
from crl_robot.graph import Graph, GraphError, NodeCommand, Parameter

if TYPE_CHECKING:
    from crl_robot.bench.nodes.fault_client import FaultClient

START_S = 30.0
RECOVER_S = 12.0
_HOME_S = 6.0
_STATUS_S = 1.0
"""A status that tells of a move home comes some ms after the answer of the service."""
ARM_MODULE = "crl_robot.nodes.arm_node"


@dataclass(frozen=True)
class Session:
    """How the arm's node is set up for some of the rows.

    Attributes:
        name: of the session.
        parameters: of the node, over those that name the arm.
        deadman: whether the dead-man switch is held.
        own_clock: whether the node runs on /clock, which the bench publishes.
        box: where goals may bring the tool; the node's own box is set by ``parameters``.
        way_points: corners of the box, m, in which the command source moves the tool; None for its own.
    """

    name: str
    parameters: Mapping[str, Parameter]
    deadman: bool = False
    own_clock: bool = False
    box: Box = DEFAULT_BOX
    way_points: tuple[tuple[float, float, float], tuple[float, float, float]] | None = None


class ArmProcess:
    """The arm's node as a process that can be killed, stopped and started again."""

    def __init__(self, command: NodeCommand, folder: Path, env: Mapping[str, str]) -> None:
        self._command, self._folder, self._env = command, folder, env
        self._lives = 0
        self._graph: Graph | None = None

    def start(self) -> None:
        """Start it; its log is in a folder of its own."""
        self._lives += 1
        self._graph = Graph([self._command], self._folder / f"life_{self._lives:03}", self._env)
        self._graph.__enter__()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        if self._graph is None:
            return False
        try:
            self._graph.check()
        except GraphError:
            self._graph = None
            return False
        return True

    def send(self, number: signal.Signals) -> float:
        """Send a signal; returns when (monotonic s)."""
        if self._graph is None:
            raise GraphError("the arm's process is not there, expected it to run")
        at_s = time.monotonic()
        os.kill(self._graph.pid(self._command.name), number)
        return at_s

    def stop(self) -> int:
        """End it; returns its exit code."""
        if self._graph is None:
            return 0
        codes, self._graph = self._graph.stop(), None
        return codes[self._command.name]


class Rig:
    """Everything a row of the campaign may touch. ``rng`` decides what it injects."""

    def __init__(
        self, device: Device, process: ArmProcess, client: FaultClient, session: Session, rng: np.random.Generator
    ) -> None:
        self.device, self.process, self.client, self.session, self.rng = device, process, client, session, rng
        self.upright = device.do("angles")
        """Where somebody puts the arm when it fell."""
        self.notes: list[str] = []
        """What an injection saw, for the measure of its reaction."""
        self.logs: list[DeviceLog] = []
        self.tail: DeviceLog | None = None
        self.went_home = False
        """Whether a move home, which may leave the box, is in ``logs``."""

    def look(self) -> DeviceLog:
        """What the arm did since the last look; kept in ``logs`` for the judge."""
        self.logs.append(self.device.drain())
        return self.logs[-1]

    def choice(self, values: tuple[int, ...]) -> int:
        """One of several, at random."""
        return int(self.rng.choice(values))

    def quiet(self) -> None:
        """No more Actions."""
        self.client.sending = False

    def heal(self) -> None:
        """Take everything away that was injected; the arm's process is not touched."""
        self.device.do("faults", {"drop": 0.0, "corrupt": 0.0, "delay_s": 0.0, "missing": set(), "pulled": False})
        self.device.do("block", [])
        client = self.client
        client.shape, client.stamp_ns, client.sending = unchanged, None, True
        client.pressed = self.session.deadman
        client.input_estop(False)

    def recover(self, timeout_s: float = RECOVER_S) -> str:
        """Do what an operator would until the arm moves again; returns '' or why it does not."""
        client = self.client
        answer, started, deadline = "", False, time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if not self.process.alive:  # also one that was told to end and took its time
                if started:
                    return "its process ended right after it was started"
                self.process.start()
                client.forget()
                started, deadline = True, time.monotonic() + max(timeout_s, START_S)
            if not client.until(lambda: client.publishers_matched() and client.mode != "", deadline - time.monotonic()):
                break
            if client.mode == "estopped":
                _, answer = client.trigger("reset")
                client.run(0.05)
            if client.mode == "disabled":
                done, answer = client.enable(True)
                if not done:  # the servos may have latched something while no node was there
                    client.trigger("reset")
            if client.until(self.moving, 0.7):
                return ""
            if client.mode == "holding":
                answer = self.go_home()
        return f"the arm is {client.mode or 'silent'} ({client.reason}); last answer: {answer}"

    def go_home(self) -> str:
        """Let the arm go home, and wait until it is there; returns what it answered."""
        client = self.client
        client.sending, self.went_home = False, True
        done, answer = client.trigger("home")
        client.until(lambda: not done or client.reason in ("homing", "at home"), _STATUS_S)
        client.until(lambda: not done or client.reason != "homing", _HOME_S)
        client.sending = True
        return answer

    def moving(self) -> bool:
        """Whether the arm says it moves, not home, and took an Action within the last periods."""
        client = self.client
        driven = client.mode == "moving" and client.reason != "homing"
        return driven and bool(client.commanded) and time.monotonic() - client.commanded[-1].at_s < 0.25
