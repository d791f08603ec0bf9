"""Decides from what the policy node publishes when a run begins and ends, and writes its folder.

All calls come one after another from one thread; they may wait for the disk.
"""

from __future__ import annotations

import datetime
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from crl_learning.runs.folder import DATA, RunFolder
from crl_robot.errors import CrlError

logger = logging.getLogger(__name__)

GOING = ("running", "paused")
SILENT_S = 3.0
"""The policy node tells its status twice a second; after so long without one it is gone."""
_EARLY_TICKS = 100


@dataclass(frozen=True)
class Recorded:
    """What became of the data of a run: the episode's id, '' without one, its steps, and what was lost."""

    episode: str = ""
    steps: int = 0
    lost: Mapping[str, int] | None = None


class DataRecorder(Protocol):
    """Records frames, actions and arm states of one run into a store."""

    def begin(self, store: Path, run: str, by_clock: bool) -> None:
        """Start; ``by_clock`` where no actions are sent. Raises CrlError."""
        ...

    def end(self, success: bool | None, facts: Mapping[str, Any]) -> Recorded:
        """Stop and commit, with ``facts`` as the option 'run' of the episode. Raises CrlError."""
        ...


class RunKeeper:
    """Writes runs below one folder.

    Args:
        runs: gets one folder a run.
        data: records what cannot be put into lines.
    """

    def __init__(self, runs: Path, data: DataRecorder) -> None:
        self._runs, self._data = runs, data
        self._folder: RunFolder | None = None
        self._run = ""
        self._recording = False
        self._early: deque[Mapping[str, Any]] = deque(maxlen=_EARLY_TICKS)
        self._status: dict[str, Any] = {}
        self._heard_s = 0.0
        self._native: NDArray[np.uint8] | None = None
        self._seen: NDArray[np.uint8] | None = None
        self._arm = ("", "")
        self.count = 0
        self.failure = ""

    def status(self) -> dict[str, Any]:
        """Facts for people and programs."""
        folder = str(self._folder.path) if self._folder else ""
        state = "recording" if self._folder else "waiting"
        return {"state": state, "folder": folder, "run": self._run, "runs": self.count, "failure": self.failure}

    def on_status(self, status: dict[str, Any], stamp_ns: int, now_s: float) -> None:
        """What the policy node said of itself."""
        before, self._status, self._heard_s = self._status, status, now_s
        if self._folder is not None and status["run"] != self._run:
            self._finish(None, stamp_ns)
        if self._folder is None and status["state"] in GOING and status["run"] != self._run:
            self._begin(status, stamp_ns)
        elif self._folder is not None:
            self._note_changes(before, status, stamp_ns)
        if self._folder is not None and status["state"] not in GOING:
            self._finish(status["ended"], stamp_ns)

    def on_tick(self, tick: dict[str, Any]) -> None:
        """One control tick of the policy; those of a run that is not known yet are kept for it."""
        if tick.get("preview"):
            return
        if self._folder is None:
            self._early.append(tick)
        elif tick["run"] == self._run:
            self._folder.add_tick(tick)

    def on_goal(self, native: NDArray[np.uint8] | None = None, seen: NDArray[np.uint8] | None = None) -> None:
        """The present goal; the camera's size comes before what the network sees."""
        self._native = native if native is not None else self._native
        if seen is not None:
            self._seen = seen
            if self._folder is not None:
                self._add_goal(self._folder)

    def on_arm(self, mode: str, reason: str, stamp_ns: int) -> None:
        """What the arm said of itself; changes of mode or reason are the safety events of a run."""
        changed, self._arm = self._arm != (mode, reason), (mode, reason)
        if changed and self._folder is not None:
            self._folder.add_event(stamp_ns, "arm", f"{mode} {reason}".strip(), {"mode": mode, "reason": reason})

    def look(self, stamp_ns: int, now_s: float) -> None:
        """To be called now and then: a run whose policy node is gone has ended."""
        if self._folder is not None and now_s - self._heard_s > SILENT_S:
            self.abandon("the policy node fell silent", stamp_ns)

    def abandon(self, sentence: str, stamp_ns: int) -> None:
        """End the run that is recorded, if any."""
        if self._folder is not None:
            seconds, stage = self._status.get("seconds", 0.0), self._status.get("stage", 0)
            ended = {"verdict": "failed", "sentence": sentence, "stage": stage, "seconds": seconds}
            self._finish(ended, stamp_ns)

    def _begin(self, status: dict[str, Any], stamp_ns: int) -> None:
        self._run, self.failure = status["run"], ""
        folder = RunFolder(self._runs / self._run, run_facts(status))
        self._folder = folder
        self.count += 1
        folder.add_event(stamp_ns, "state", status["state"], {"state": status["state"]})
        folder.add_event(stamp_ns, "arm", f"{self._arm[0]} {self._arm[1]}".strip(), {"mode": self._arm[0]})
        if self._seen is not None:
            self._add_goal(folder)
        for check in status.get("checks", []):
            folder.add_event(stamp_ns, "check", check["sentence"], check)
        try:
            self._data.begin(folder.path / DATA, self._run, status["dry_run"])
            self._recording = True
        except CrlError as error:
            self._fail(error)
        for tick in self._early:
            if tick["run"] == self._run:
                folder.add_tick(tick)
        self._early.clear()

    def _finish(self, ended: dict[str, Any] | None, stamp_ns: int) -> None:
        folder, self._folder = self._folder, None
        if folder is None:
            return
        words = ended or {"verdict": "failed", "sentence": "another run began", "stage": 0, "seconds": 0.0}
        folder.add_event(stamp_ns, "state", f"ended: {words['verdict']}", words)
        recorded = Recorded()
        if self._recording:
            success = {"reached": True, "not_improving": False, "time_limit": False}.get(words["verdict"])
            try:
                recorded = self._data.end(success, folder.facts | {"ended": words})
            except CrlError as error:
                self._fail(error)
            self._recording = False
        folder.end(
            ended=words,
            episode=recorded.episode,
            steps=recorded.steps,
            lost=dict(recorded.lost or {}),
            failure=self.failure,
        )

    def _note_changes(self, before: Mapping[str, Any], status: Mapping[str, Any], stamp_ns: int) -> None:
        folder = self._folder
        assert folder is not None
        for kind, key in (("state", "state"), ("stage", "stage"), ("goal", "goal"), ("goal", "goal_refused")):
            if status[key] == "ended":  # `_finish` tells how
                continue
            if before.get(key) != status[key] and (status[key] or key == "stage"):
                text = f"refused: {status[key]}" if key == "goal_refused" else str(status[key])
                folder.add_event(stamp_ns, kind, text, {key: status[key], "reason": status["reason"]})
        late = status["counters"].get("late", 0) - before.get("counters", {}).get("late", 0)
        if late > 0:
            folder.add_event(stamp_ns, "late", f"{late} results came too late and were dropped", {"count": late})

    def _add_goal(self, folder: RunFolder) -> None:
        if self._native is not None:
            warnings = list(self._status.get("goal_warnings", []))
            folder.add_goal(self._native, self._seen, str(self._status.get("goal", "")), warnings)

    def _fail(self, error: CrlError) -> None:
        self.failure = str(error)
        logger.error("run %s: %s", self._run, error)


def run_facts(status: Mapping[str, Any]) -> dict[str, Any]:
    """What run.json holds from the beginning."""
    kept = ("checkpoint", "image_spec", "goal_camera", "native", "dry_run", "speed", "time_limit_s", "action_spec")
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    facts = {"id": status["run"], "created": created, **{key: status[key] for key in kept}}
    return facts | {"cameras": [status["goal_camera"]], "rate_hz": status["action_spec"]["rate_hz"]}
