"""One kill: begin a run, kill, watch, then start the node again or end the graph as a launch does; judge."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crl_learning.campaigns.kills_report import Kill
from crl_learning.campaigns.victims import TASK, Victim
from crl_robot.graph import Graph, GraphError

if TYPE_CHECKING:
    from crl_learning.nodes.kills_client import KillsClient

LONGEST_DELAY_S = 1.5
WATCH_S = 1.5
"""After the limit."""
BACK_S = 90.0
ACTING_TICKS = 5
"""So many in a row, and the run goes on."""
STILL_MM_PER_S = 10.0
DRIFT_MM = 5.0
LONGEST_GAP_S = 0.7
"""Between two acting ticks of a run that goes on: two of 0.2 s may be missed on a busy machine."""


class Rig:
    """The running graph, a client in it, and what to remember of it."""

    client: KillsClient

    def __init__(self, graph: Graph, page_port: int) -> None:
        self._graph, self._port = graph, page_port
        self._killed = ""
        self.cut_off: list[str] = []
        """Runs whose recorder was killed."""

    def check(self) -> None:
        """Raise GraphError when a process has ended that was not killed."""
        if not self._killed:
            self._graph.check()

    def kill(self, victim: Victim, respawn: bool, rng: np.random.Generator) -> Kill:
        """Kill ``victim`` while the arm moves; a run that cannot be begun is a complaint."""
        client, delay_s = self.client, float(rng.uniform(0, LONGEST_DELAY_S))
        kill = Kill(victim.name, respawn, delay_s, victim.reaction, victim.limit_ms)
        try:
            kill = replace(kill, begun_again=client.begin_run(TASK, int(rng.integers(2**31))))
        except GraphError as error:
            return replace(kill, complaint=f"no run could be begun: {error}")
        client.wait_for(delay_s)
        self._killed = victim.name
        if victim.name == "run_recorder":
            self.cut_off.append(Path(client.run_status["folder"]).name)
        at_ns = client.now_ns()
        self._graph.kill(victim.name)
        client.wait_for(victim.limit_ms / 1e3 + WATCH_S)
        kill = self._watched(kill, victim, at_ns)
        return self._respawned(kill, victim) if respawn else self._ended(kill)

    def _watched(self, kill: Kill, victim: Victim, at_ns: int) -> Kill:
        if victim.reaction == "holds":
            return self._held(kill, at_ns)
        acted_s = (np.array(self.client.acted_ns, np.int64) - at_ns) / 1e9
        acted_s = acted_s[acted_s >= -LONGEST_GAP_S]
        if victim.reaction == "falls_silent":
            last_ms = 1e3 * float(acted_s.max(initial=0.0))
            words = f"the policy acted for {last_ms:.0f} ms" if last_ms > victim.limit_ms else ""
            return replace(kill, stopped_ms=last_ms, complaint=words)
        gap_s = float(np.diff([*acted_s, (self.client.now_ns() - at_ns) / 1e9]).max(initial=0.0))
        words = f"{gap_s:.2f} s without an action" if gap_s > LONGEST_GAP_S or not acted_s.size else ""
        return replace(kill, complaint=words)

    def _held(self, kill: Kill, at_ns: int) -> Kill:
        """By the tool's way in the simulated world."""
        told = [(stamp, tool) for stamp, tool in self.client.tool if stamp >= at_ns - 200_000_000]
        stamps_ms = np.array([(stamp - at_ns) / 1e6 for stamp, _ in told])
        tool_mm = 1e3 * np.array([tool for _, tool in told])
        speed = np.linalg.norm(np.diff(tool_mm, axis=0), axis=1) / np.diff(stamps_ms) * 1e3
        moving = stamps_ms[1:][speed > STILL_MM_PER_S]
        still = tool_mm[stamps_ms >= kill.limit_ms]
        if len(still) < 2:
            return replace(kill, complaint="the simulated world told nothing after the limit")
        begin = tool_mm[np.argmin(np.abs(stamps_ms))]
        drift = float(np.linalg.norm(still - still[0], axis=1).max())
        return replace(
            kill,
            stopped_ms=max(0.0, float(moving.max(initial=0.0))),
            travel_mm=float(np.linalg.norm(still[0] - begin)),
            drift_mm=drift,
            complaint=f"it moved by {drift:.0f} mm after the limit" if drift > DRIFT_MM else "",
        )

    def _respawned(self, kill: Kill, victim: Victim) -> Kill:
        """The same command line again; then the run must go on."""
        client, begin_s, begin_ns = self.client, time.monotonic(), self.client.now_ns()
        said = self._said()
        self._graph.restart(victim.name)
        self._killed = ""
        done: list[str] = []
        try:
            if victim.enables:
                done = client.let_move(begin_s)
            client.wait(
                lambda: self._goes_on(victim, begin_s, begin_ns), BACK_S, f"run that goes on after {victim.name}"
            )
        except GraphError as error:
            words = f"{kill.complaint} {error}; {self._said()}; run recorder: {client.run_status}"
            kill = replace(kill, complaint=words.strip())
        return replace(kill, back_s=time.monotonic() - begin_s, done=" ".join(done), said=said)

    def _goes_on(self, victim: Victim, since_s: float, since_ns: int) -> bool:
        client = self.client
        acted = sum(one > since_ns for one in client.acted_ns) >= ACTING_TICKS and client.moves()
        if victim.name == "page":
            return acted and self._page_answers()
        told = victim.name != "policy" or client.heard_since("policy", since_s)
        return acted and told and client.recorded() and client.heard_since("run", since_s)

    def _page_answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://localhost:{self._port}/", timeout=1.0) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _ended(self, kill: Kill) -> Kill:
        """As a launch without respawn: the others are ended, and the node that died is named."""
        try:
            self._graph.check()
            said, named = "", False
        except GraphError as error:
            said, named = str(error).partition(", expected")[0], error.exit_code == -9 and kill.node in str(error)
        codes = {name: code for name, code in self._graph.stop().items() if code != 0 and name != kill.node}
        words = "" if named else "the runner did not name the node that was killed"
        words += f" other nodes left with {codes}" if codes else ""
        return replace(kill, complaint=f"{kill.complaint} {words}".strip(), said=said)

    def _said(self) -> str:
        """What a person can read of the state while the node is gone."""
        client = self.client
        status, arm = client.policy_status, client.arm_status
        return f"policy {status['state']} {status['reason']}; arm {arm['mode']} {arm['reason']}".strip()
