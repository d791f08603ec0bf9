"""The ROS node of `crl-bench kills`: begins runs, watches the tool and the control ticks, and acts as the operator."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from crl_learning.nodes.eval_client import EvalClient
from crl_robot.graph import GraphError
from crl_robot.nodes.messages import LATCHED_QOS, STATE_QOS, ns_from_time

READY_S = 120.0
LATELY_NS = 1_000_000_000
MOVES_S = 20.0
"""From the start of a run to the first motion; a run that does not come to it is begun again."""


class KillsClient(EvalClient):
    """A context manager; arguments as of `EvalClient`.

    Attributes:
        tool: stamp (ns) and position (3,) of the tool in the simulated world, in order.
        acted_ns: when each tick whose action went to the arm told of itself, on the policy's side.
        run_status: what the recorder said last.
    """

    def __init__(self, env: Mapping[str, str], check: Callable[[], None]) -> None:
        self.tool: list[tuple[int, NDArray[np.float64]]] = []
        self.acted_ns: list[int] = []
        self.run_status: dict[str, Any] = {}
        self._heard_s: dict[str, float] = defaultdict(float)
        super().__init__(env, None, check)
        self.node.create_subscription(String, "policy/progress", self._on_progress, STATE_QOS)
        self.node.create_subscription(String, "run/status", self._on_run_status, LATCHED_QOS)

    def wait_for_graph(self) -> None:
        """Wait until all nodes are there, a run is going on and recorded. Raises GraphError."""
        self.wait_for_simulation()

        def running() -> bool:
            return self.policy_status.get("state") == "running" and self.run_status.get("state") == "recording"

        self.wait(running, READY_S, "run that is recorded")

    def begin_run(self, task: str, episode_seed: int) -> int:
        """A new run of another episode, until the arm moves and is recorded; returns how often it was begun again.

        A servo bus that was starved on a busy machine latches the e-stop, which an operator resets. Raises GraphError.
        """
        deadline, again = time.monotonic() + READY_S, 0
        while True:
            try:
                if self.policy_status["state"] != "ended":
                    self.stop_policy()
                self.reset(task, episode_seed)
                self.start_policy()
                self.wait(lambda: self.moves() and self.recorded(), MOVES_S, "arm that moves and is recorded")
            except GraphError:
                self._check()
                if time.monotonic() > deadline:
                    raise
                again += 1
                continue
            return again

    def moves(self) -> bool:
        """Whether the policy's actions are what moves the arm."""
        lately = bool(self.acted_ns) and self.now_ns() - self.acted_ns[-1] < LATELY_NS
        return lately and self.arm_status["mode"] == "moving"

    def recorded(self) -> bool:
        """Whether the recorder has said that it records the run that is going on."""
        return self.run_status["state"] == "recording" and self.run_status["run"] == self.policy_status["run"]

    def heard_since(self, what: str, since_s: float) -> bool:
        """Whether 'arm', 'policy', 'run' or 'truth' told something after ``since_s`` (monotonic)."""
        return self._heard_s[what] > since_s

    def let_move(self, since_s: float) -> list[str]:
        """What an operator does for an arm that came back after ``since_s``; returns it. Raises GraphError."""
        self.wait(lambda: self.heard_since("arm", since_s), READY_S, "arm that came back")
        done: list[str] = []
        deadline, refused = time.monotonic() + READY_S, False
        while time.monotonic() < deadline:
            try:
                if refused or self.arm_status["mode"] == "estopped":  # also where a servo's watchdog has tripped
                    done.append("reset")
                    self.succeed(self._arm_reset, Trigger.Request())
                done.append("enable")
                self.succeed(self._enable, SetBool.Request(data=True))
            except GraphError:
                refused = True
                self.wait_for(0.5)
                continue
            return done
        raise GraphError(f"the arm could not be enabled within {READY_S:.0f} s; it says {self.arm_status}")

    def _on_truth(self, msg: JointState) -> None:
        super()._on_truth(msg)
        moment = self.newest_truth().moment
        self.tool.append((ns_from_time(msg.header.stamp), np.array(moment.tool)))
        self._heard_s["truth"] = time.monotonic()

    def _on_progress(self, msg: String, info: Mapping[str, Any]) -> None:
        if json.loads(msg.data)["acting"]:
            self.acted_ns.append(int(info["source_timestamp"]))

    def _on_policy_status(self, msg: String) -> None:
        super()._on_policy_status(msg)
        self._heard_s["policy"] = time.monotonic()

    def _on_arm_status(self, msg: String) -> None:
        super()._on_arm_status(msg)
        self._heard_s["arm"] = time.monotonic()

    def _on_run_status(self, msg: String) -> None:
        self.run_status = json.loads(msg.data)
        self._heard_s["run"] = time.monotonic()
