"""The plain runner: starts node executables as processes, watches them and ends them, where ROS 2's launch is absent.

It starts the same modules with the same parameter files as the launch files do. Used by the demo, by evaluation over
ROS, by benches and by tests.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from crl_robot.errors import CrlError
from crl_robot.resources import config_file

logger = logging.getLogger(__name__)

Parameter = bool | int | float | str | list[str] | list[float]

FIRST_PORT, PORTS_PER_DOMAIN, DOMAINS = 7400, 250, range(1, 101)
"""DDS ports of a domain; above 101 they meet Linux's ephemeral ports (RTPS 2.2, section 9.6.1)."""


class GraphError(CrlError, RuntimeError):
    """A node process ended although it should run, or never got ready.

    Attributes:
        exit_code: of the process that ended; None when none did.
    """

    def __init__(self, message: str, exit_code: int | None = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True)
class NodeCommand:
    """One executable: ``python -m module``, with a file of configs/ if any, and parameters that win over it."""

    name: str
    module: str
    params_file: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)

    def argv(self) -> list[str]:
        overrides = [part for key, v in self.parameters.items() for part in ("-p", f"{key}:={json.dumps(v)}")]
        file = ["--params-file", str(config_file(self.params_file))] if self.params_file else []
        return [sys.executable, "-m", self.module, "--ros-args", *file, *overrides]


class Graph:
    """Node processes of one ROS domain; a context manager that leaves none of them running.

    Args:
        commands: started in this order, ended in the reverse order.
        log_folder: gets one ``<name>.log`` a process.
        env: added to the environment of every process; a ROS_DOMAIN_ID here or outside is kept.
        patience_s: how long a process may take to end after each signal.
    """

    def __init__(
        self,
        commands: Sequence[NodeCommand],
        log_folder: Path,
        env: Mapping[str, str] | None = None,
        patience_s: float = 6.0,
    ) -> None:
        self._commands = tuple(commands)
        self._log_folder = log_folder
        self._extra = dict(env or {})
        self._patience_s = patience_s
        self._stack = ExitStack()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.env: dict[str, str] = {}
        """What a process must add to its environment to talk to these nodes; filled when the graph starts."""

    def __enter__(self) -> Self:
        self.env = self._environment()
        self._log_folder.mkdir(parents=True, exist_ok=True)
        try:
            for command in self._commands:
                self.log_path(command.name).unlink(missing_ok=True)
                self._start(command)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def log_path(self, name: str) -> Path:
        return self._log_folder / f"{name}.log"

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def kill(self, name: str) -> None:
        """End a node with SIGKILL, and wait until it is gone."""
        self._processes[name].kill()
        self._processes[name].wait()

    def restart(self, name: str) -> None:
        """Start a node that has ended again, as respawn does. Raises GraphError while it runs."""
        if self._processes[name].poll() is None:
            raise GraphError(f"the {name} process runs, expected one that has ended; kill it first")
        (command,) = (command for command in self._commands if command.name == name)
        self._start(command)

    def check(self) -> None:
        """Raise GraphError with exit code and last words when a process has ended; the others are ended first."""
        for name, process in self._processes.items():
            code = process.poll()
            if code is not None:
                self.stop()
                tail = "\n".join(self.log_path(name).read_text(errors="replace").strip().splitlines()[-8:])
                raise GraphError(f"the {name} process ended with code {code}, expected it to run on:\n{tail}", code)

    def stop(self) -> dict[str, int]:
        """End all processes with SIGINT, then SIGTERM, last SIGKILL; returns their exit codes."""
        for name, process in reversed(self._processes.items()):
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
                if process.poll() is not None:
                    break
                process.send_signal(number)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(self._patience_s)
                if process.poll() is None:
                    logger.warning("%s did not end on %s within %.0f s", name, number.name, self._patience_s)
        self._stack.close()
        return {name: process.wait() for name, process in self._processes.items()}

    def _start(self, command: NodeCommand) -> None:
        with self.log_path(command.name).open("ab") as log:
            # A session of its own: Ctrl-C reaches this runner alone, which then ends the nodes in order.
            self._processes[command.name] = subprocess.Popen(
                command.argv(), stdout=log, stderr=log, env=os.environ | self.env, start_new_session=True
            )

    def _environment(self) -> dict[str, str]:
        env = {
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
            "FASTDDS_DEFAULT_PROFILES_FILE": str(config_file("ros/fastdds.xml")),
            "OMP_NUM_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
        } | self._extra
        if "ROS_DOMAIN_ID" not in os.environ | env:
            env["ROS_DOMAIN_ID"] = str(self._reserve_domain())
        return env

    def _reserve_domain(self) -> int:
        """A ROS domain nobody else of this runner's kind uses; a TCP port held until stop() marks it as taken."""
        first = os.getpid() % len(DOMAINS)
        for domain in (*DOMAINS[first:], *DOMAINS[:first]):
            marker = self._stack.enter_context(socket.socket())
            try:
                marker.bind(("127.0.0.1", FIRST_PORT + PORTS_PER_DOMAIN * domain))
            except OSError:
                continue
            return domain
        raise GraphError(f"all ROS domains of {DOMAINS} are taken, expected a free one; set ROS_DOMAIN_ID")
