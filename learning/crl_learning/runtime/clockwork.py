"""The state of a run and its clock: ready, running, paused, handed over or ended, and why."""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass
from typing import Literal

from crl_robot.errors import ContractError

State = Literal["ready", "running", "paused", "handed_over", "ended"]
GOING: tuple[State, ...] = ("running", "paused", "handed_over")
"""States of a run that has begun and not ended."""
VerdictName = Literal["reached", "not_improving", "time_limit", "stopped", "failed"]


@dataclass(frozen=True)
class Verdict:
    """How a run ended: in one word and one sentence, at which stage, after how many seconds of acting."""

    verdict: VerdictName
    sentence: str
    stage: int
    seconds: float


class RunClock:
    """Which state a run is in. Times are monotonic seconds, given by the caller, who also locks."""

    def __init__(self) -> None:
        self.state: State = "ready"
        self.id = ""
        self.ended: Verdict | None = None
        self.pause_reason = ""
        self._acted_s = 0.0
        self._since_s: float | None = None

    def seconds(self, now_s: float) -> float:
        """Of the present or the last run, pauses left out."""
        return self._acted_s + (now_s - self._since_s if self._since_s is not None else 0.0)

    def begin(self, now_s: float) -> bool:
        """Begin a new run, or go on after a pause; returns whether it is a new one."""
        new = self.state in ("ready", "ended")
        if new:
            self.id, self.ended, self._acted_s = run_id(), None, 0.0
        if self.state != "running":
            self._since_s = now_s
        self.state, self.pause_reason = "running", ""
        return new

    def pause(self, now_s: float, reason: str) -> None:
        """Stop the clock; does nothing unless running."""
        if self.state == "running":
            self._acted_s, self._since_s = self.seconds(now_s), None
            self.state, self.pause_reason = "paused", reason

    def hand_over(self, now_s: float, reason: str) -> None:
        """Stop the clock; somebody else has the arm. Raises ContractError without a run."""
        if self.state not in GOING:
            raise ContractError(f"the arm was handed over in state '{self.state}', expected a run that goes on")
        self._acted_s, self._since_s = self.seconds(now_s), None
        self.state, self.pause_reason = "handed_over", reason

    def end(self, now_s: float, verdict: VerdictName, sentence: str, stage: int) -> Verdict:
        """End the run. Raises ContractError when there is none."""
        if self.state not in GOING:
            raise ContractError(f"a run was ended in state '{self.state}', expected one of {', '.join(GOING)}")
        self._acted_s, self._since_s = self.seconds(now_s), None
        self.state, self.pause_reason = "ended", ""
        self.ended = Verdict(verdict, sentence, stage, round(self._acted_s, 3))
        return self.ended


def run_id() -> str:
    """A name that no other run has, in the order of time."""
    return f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
