"""Decides from what the policy node publishes when a run begins and ends, and writes its folder.

All calls come one after another from one thread; they may wait for the disk.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_learning.runs.changes import changes, first_events, run_facts
from crl_learning.runs.ending import Ending, end_data
from crl_learning.runs.folder import DATA, RunFolder, free_folder
from crl_learning.runs.goals import HeardGoals
from crl_learning.runs.judging import AwaitedVerdict, DataRecorder, Recorded
from crl_robot.errors import CrlError, StoreError

logger = logging.getLogger(__name__)

GOING = ("running", "paused", "handed_over")
SILENT_S = 3.0
"""The policy node tells its status twice a second; after so long without one it is gone."""
_EARLY_TICKS = 100


class RunKeeper:
    """Writes runs below one folder.

    Args:
        runs: gets one folder a run.
        data: records what cannot be put into lines.
        verdict_s: how long the operator's verdict is waited for after a run, at most until the next one begins.
        cameras: those of which pictures of goals are heard.
    """

    def __init__(self, runs: Path, data: DataRecorder, verdict_s: float = 0.0, cameras: Collection[str] = ()) -> None:
        self._runs, self._data, self._verdict_s = runs, data, verdict_s
        self._verdict: bool | None = None
        self._awaited: AwaitedVerdict | None = None
        self._folder: RunFolder | None = None
        self._ending: Ending | None = None
        self._run = ""
        self._recording = False
        self._early: deque[Mapping[str, Any]] = deque(maxlen=_EARLY_TICKS)
        self._status: dict[str, Any] = {}
        self._heard_s = 0.0
        self._goals = HeardGoals(cameras)
        self._arm = ("", "")
        self.count = 0
        self.failure = ""

    def status(self) -> dict[str, Any]:
        """Facts for people and programs."""
        folder = str(self._folder.path) if self._folder else ""
        state = "recording" if self._folder else "judging" if self._awaited else "waiting"
        facts = {"state": state, "folder": folder, "run": self._run, "verdict": self._verdict if folder else None}
        return facts | {"runs": self.count, "failure": self.failure}

    def on_status(self, status: dict[str, Any], stamp_ns: int, now_s: float) -> None:
        """What the policy node said of itself."""
        before, self._status, self._heard_s = self._status, status, now_s
        if self._folder is not None and status["run"] != self._run:
            self._finish(None, stamp_ns)
        self._goals.add_status(status)
        self._keep_goals()
        if self._folder is None and status["state"] in GOING and status["run"] != self._run:
            self._begin(status, stamp_ns)
        elif self._folder is not None and self._ending is None:
            for kind, text, data in changes(before, status):
                self._folder.add_event(stamp_ns, kind, text, data)
            self._record(status)
        if self._folder is not None and status["state"] not in GOING and self._ending is None:
            self._ending = Ending.of(status, stamp_ns, now_s)
        self._finish_ended(now_s)

    def on_tick(self, tick: dict[str, Any]) -> None:
        """One control tick of the policy; those of a run that is not known yet are kept for it."""
        if tick.get("preview"):
            return
        if self._folder is None:
            self._early.append(tick)
        elif tick["run"] == self._run:
            self._folder.add_tick(tick)

    def on_goal(self, stamp_ns: int, which: str, image: NDArray[np.uint8]) -> None:
        """A picture of a goal; ``which`` as of `HeardGoals.add_picture`."""
        self._goals.add_picture(stamp_ns, which, image)
        self._keep_goals()
        self._finish_ended(-math.inf)

    def on_arm(self, mode: str, reason: str, stamp_ns: int) -> None:
        """What the arm said of itself; changes of mode or reason are the safety events of a run."""
        changed, self._arm = self._arm != (mode, reason), (mode, reason)
        if changed and self._folder is not None:
            self._folder.add_event(stamp_ns, "arm", f"{mode} {reason}".strip(), {"mode": mode, "reason": reason})

    def look(self, stamp_ns: int, now_s: float) -> None:
        """To be called now and then: a run whose policy node is gone has ended."""
        self._finish_ended(now_s)
        if self._folder is not None and now_s - self._heard_s > SILENT_S:
            self.abandon("the policy node fell silent", stamp_ns)
        if self._awaited is not None and now_s >= self._awaited.until_s:
            self.settle()

    def on_verdict(self, success: bool) -> str:
        """The operator says whether the run that goes on, or has just ended, is a success. Raises StoreError."""
        words = f"run {self._run} is {'a success' if success else 'a failure'}"
        if self._folder is not None:
            self._verdict = success
            return f"noted: {words}"
        if self._awaited is None:
            raise StoreError(
                f"no run waits for a verdict, expected one within {self._verdict_s:g} s after its end; set the run "
                "recorder's verdict_s, or judge while it runs"
            )
        self.settle(success)
        if self.failure:
            raise StoreError(f"{words}, but that could not be kept: {self.failure}")
        return words

    def settle(self, operator: bool | None = None) -> None:
        """Wait no longer for the operator's verdict."""
        awaited, self._awaited = self._awaited, None
        if awaited is not None:
            self.failure = awaited.settle(operator) or self.failure

    def abandon(self, sentence: str, stamp_ns: int) -> None:
        """End the run that is recorded, if any."""
        if self._folder is not None:
            seconds, stage = self._status.get("seconds", 0.0), self._status.get("stage", 0)
            ended = {"verdict": "failed", "sentence": sentence, "stage": stage, "seconds": seconds}
            self._finish(ended, stamp_ns)

    def _begin(self, status: dict[str, Any], stamp_ns: int) -> None:
        self.settle()
        self._run, self.failure, self._verdict = status["run"], "", None
        folder = RunFolder(free_folder(self._runs / self._run), run_facts(status))
        self._folder = folder
        self.count += 1
        for kind, text, data in first_events(status, self._arm):
            folder.add_event(stamp_ns, kind, text, data)
        present = self._goals.present
        if present is not None and present.stamp_ns == status.get("goal_stamp_ns"):
            folder.add_goal(present)
        self._record(status)
        for tick in self._early:
            if tick["run"] == self._run:
                folder.add_tick(tick)
        self._early.clear()

    def _record(self, status: Mapping[str, Any]) -> None:
        """Record what cannot be put into lines: from the beginning, or as soon as arm and cameras are there."""
        folder = self._folder
        if folder is None or self._recording or status["state"] not in GOING:
            return
        try:
            self._data.begin(folder.path / DATA, folder.path.name, status["dry_run"])
            self._recording, self.failure = True, ""
        except CrlError as error:
            if not self.failure:
                self._fail(str(error))

    def _finish_ended(self, now_s: float) -> None:
        """Finish a run that is over, as soon as its last goal was heard."""
        ending = self._ending
        if ending is not None and (self._goals.has(ending.goal_ns) or now_s >= ending.until_s):
            self._finish(ending.words, ending.stamp_ns)

    def _finish(self, ended: dict[str, Any] | None, stamp_ns: int) -> None:
        folder, ending, self._folder, self._ending = self._folder, self._ending, None, None
        if folder is None:
            return
        if ending is not None:
            ended, stamp_ns = ending.words, ending.stamp_ns
        words = ended or {"verdict": "failed", "sentence": "another run began", "stage": 0, "seconds": 0.0}
        folder.add_event(stamp_ns, "state", f"ended: {words['verdict']}", words)
        recorded, failed = end_data(self._data, folder, words) if self._recording else (Recorded(), "")
        self._recording = False
        if failed:
            self._fail(failed)
        folder.end(
            ended=words,
            latency_ms=self._status.get("latency_ms", {}),
            steps=recorded.steps,
            lost=dict(recorded.lost or {}),
            failure=self.failure,
        )
        self._awaited = AwaitedVerdict(folder, self._data, words, recorded, self._heard_s + self._verdict_s)
        if self._verdict is not None or not self._verdict_s:
            self.settle(self._verdict)

    def _keep_goals(self) -> None:
        """Add the goals that came into force since, with their own names."""
        for goal in self._goals.take():
            if self._folder is not None and (self._ending is None or goal.stamp_ns <= self._ending.goal_ns):
                self._folder.add_goal(goal)

    def _fail(self, sentence: str) -> None:
        self.failure = sentence
        logger.error("run %s: %s", self._run, sentence)
