"""What arrives at the recorder, from every stream: it never waits, so it may be called from where messages come."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

from crl_data.recording.matching import REMEMBERED_S, StepMatcher, StepSource, Timeline
from crl_data.recording.recorder_settings import RecorderSettings
from crl_data.recording.recording import Recording
from crl_data.recording.stream_log import RateMeter
from crl_data.recording.ticking import StepClock
from crl_data.schema import StoreSpec
from crl_robot.contracts import Action, ArmState, Frame, Observation


class Inputs(Timeline, Protocol):
    """Where the recorder's streams come from."""

    def observe(self, now_ns: int) -> Observation | None:
        """The newest complete, fresh and aligned observation."""
        ...

    def why_not(self, now_ns: int) -> str:
        """What keeps it from recording; empty when nothing does."""
        ...

    def lost(self) -> dict[str, int]:
        """Messages lost so far on the way here: frames by camera, 'arm' states, 'actions'."""
        ...

    def calibration(self) -> dict[str, Any]:
        """What cameras have told of themselves, by camera."""
        ...


class Intake:
    """Makes steps of what arrives, and hands them to the episode that is recorded; counts rates at all times.

    Args:
        inputs: has taken in already what is told here.
        now_ns: the clock of the stamps.
    """

    def __init__(self, spec: StoreSpec, settings: RecorderSettings, inputs: Inputs, now_ns: Callable[[], int]) -> None:
        self._inputs, self._now_ns = inputs, now_ns
        self._lock = threading.Lock()
        slack_s, by_hand = settings.match_tolerance_s, settings.steps_from == "clock"
        self._matcher = None if by_hand else StepMatcher(inputs, slack_s)
        self.source: StepSource = self._matcher or StepClock(inputs, spec.action.period_s, slack_s)
        self._meters = {name: RateMeter() for name in (*spec.cameras, "arm", "actions", "steps")}
        self._recording: Recording | None = None
        self._oldest_ns = 0

    def begin(self, recording: Recording) -> None:
        """From now on this episode takes what arrives."""
        with self._lock:
            now_ns = self._now_ns()
            self.source.begin(now_ns)
            self._oldest_ns = now_ns - round(REMEMBERED_S * 1e9)
            self._recording = recording

    def end(self) -> None:
        """The episode takes nothing more; what is still on its way to a step is made one, or counted."""
        with self._lock:
            if self._recording is not None:
                self._recording.end(self._now_ns(), self._inputs.lost())
                self._recording = None

    def add_frame(self, camera: str, frame: Frame) -> None:
        """Take a frame; a step may come of it."""
        with self._lock:
            now_ns = self._now_ns()
            self._meters[camera].add(now_ns)
            if self._recording is not None:
                self._recording.add_frame(camera, frame)
            self._settle(now_ns)

    def add_state(self, state: ArmState) -> None:
        """Take an arm state."""
        with self._lock:
            self._meters["arm"].add(self._now_ns())
            if self._recording is not None:
                self._recording.add_state(state)

    def add_requested(self, action: Action) -> None:
        """Take an action on its way to the arm."""
        with self._lock:
            if self._matcher is not None:
                self._matcher.add_requested(action)

    def add_commanded(self, action: Action) -> None:
        """Take an action that the arm commanded; one from long before the episode may come late, and is not of it."""
        with self._lock:
            now_ns = self._now_ns()
            if action.stamp_ns < self._oldest_ns:
                return
            self._meters["actions"].add(now_ns)
            if self._matcher is not None:
                self._matcher.add_commanded(action, now_ns)
            if self._recording is not None:
                self._recording.add_action(action, now_ns)
            self._settle(now_ns)

    def settle(self) -> None:
        """Record the steps that are complete by now; to be called also when nothing arrives."""
        with self._lock:
            self._settle(self._now_ns())

    def rates_hz(self) -> dict[str, float]:
        """Messages a second of each stream, over the last two seconds."""
        now_ns = self._now_ns()
        with self._lock:
            return {name: round(meter.rate_hz(now_ns), 2) for name, meter in self._meters.items()}

    def mark_goal(self, recording: Recording) -> int:
        """Mark the newest step as a goal; returns it. Raises StoreError when there is none."""
        with self._lock:
            return recording.writing.mark_goal()

    def facts(self, recording: Recording) -> dict[str, Any]:
        """Facts of an episode so far."""
        with self._lock:
            return recording.facts(self._inputs.lost())

    def _settle(self, now_ns: int) -> None:
        steps = self.source.take(now_ns)
        if self._recording is not None:
            self._recording.add_steps(steps, now_ns)
            for _ in steps:
                self._meters["steps"].add(now_ns)
