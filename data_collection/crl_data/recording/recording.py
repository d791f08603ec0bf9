"""One episode while it is recorded: what arrives is logged, handed to the writer's thread, and judged at the end."""

from __future__ import annotations

import dataclasses
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crl_data.growing import GrowingArray
from crl_data.recording.audit import AuditReport, audit_episode
from crl_data.recording.audit_streams import Motion, StreamRecord
from crl_data.recording.background import BackgroundWriter
from crl_data.recording.matching import Step, StepSource, nearest_state
from crl_data.recording.recorder_settings import RecorderSettings
from crl_data.recording.stream_log import StreamLog, frame_mark
from crl_data.telling import Told
from crl_data.writer import EpisodeWriter
from crl_robot.contracts import Action, ActionSpec, ArmState, Frame

_RECENT_STATES = 512


class Recording:
    """Takes what arrives during one episode. The caller locks, but for `finish`, which takes its time.

    Args:
        writer: an empty episode; belongs to this object from now on.
        spec: rate of the steps.
        source: makes the steps; begun by the caller.
        lost_before: messages lost by stream when the episode began.
    """

    def __init__(
        self,
        writer: EpisodeWriter,
        spec: ActionSpec,
        source: StepSource,
        settings: RecorderSettings,
        lost_before: Mapping[str, int],
    ) -> None:
        self._spec, self._source, self._settings = spec, source, settings
        self._lost_before = dict(lost_before)
        self._cameras = writer.cameras
        self.writing = BackgroundWriter(writer, settings.queue)
        self._logs = {name: StreamLog() for name in (*self._cameras, "arm", "actions", "steps")}
        self._positions = GrowingArray(np.float64, (3,))
        self._recent: deque[ArmState] = deque(maxlen=_RECENT_STATES)
        self._used: Counter[str] = Counter()
        self._used_ns: dict[str, int] = {}
        self._lost: dict[str, int] = {}

    @property
    def id(self) -> str:
        return self.writing.id

    def add_frame(self, camera: str, frame: Frame) -> None:
        """Log a frame; it is recorded when a step is made of it."""
        self._logs[camera].add(frame.stamp_ns, frame.receive_stamp_ns, frame_mark(frame.image))

    def add_state(self, state: ArmState) -> None:
        """Log and record an arm state at the arm's own rate."""
        joints = state.joints
        self._logs["arm"].add(joints.stamp_ns, joints.receive_stamp_ns)
        self._positions.append(state.measured.position)
        self._recent.append(state)
        self.writing.offer_state(state)

    def add_action(self, action: Action, now_ns: int) -> None:
        """Log an action that the arm commanded."""
        self._logs["actions"].add(action.stamp_ns, now_ns)

    def add_steps(self, steps: Sequence[Step], now_ns: int) -> None:
        """Record steps."""
        for step in steps:
            self._logs["steps"].add(step.observation.newest_stamp_ns, now_ns)
            self._note_used(step)
            self.writing.offer(step)

    def facts(self, lost_now: Mapping[str, int]) -> dict[str, Any]:
        """Facts of the episode so far."""
        lost, writing = self._lost or self._before_writing(lost_now), self.writing
        return {
            "episode": self.id,
            "steps": writing.taken,
            "lost": {name: lost.get(name, 0) + writing.lost.get(name, 0) for name in {**lost, **writing.lost}},
            "queue": round(writing.waiting, 3),
            "bytes_written": writing.bytes_written,
            "failure": "" if writing.failure is None else str(writing.failure),
        }

    def end(self, now_ns: int, lost_now: Mapping[str, int]) -> None:
        """Nothing more arrives; the last steps are made."""
        self.add_steps(self._source.end(now_ns), now_ns)
        self._lost = self._before_writing(lost_now)

    def finish(self, success: bool | None, note: str, told: Told | None = None) -> AuditReport:
        """Write what waits, judge the episode, and make it complete and durable; can be tried again after an error.

        What a policy ``told`` is added where that can be done; `BackgroundWriter` says what was not.

        Raises CrlError when nothing was recorded or the disk refused.
        """
        self.writing.end()
        report = self._audit()
        self.writing.finish(success=success, note=note, final=self._final(), lost=self._lost, told=told)
        return report

    def _note_used(self, step: Step) -> None:
        """Count the frames of this episode that became part of a step; the first step may have one from before it."""
        for name in self._cameras:
            stamps, stamp_ns = self._logs[name].stamp_ns, step.observation.frames[name].stamp_ns
            if len(stamps) and stamp_ns >= stamps[0] and stamp_ns != self._used_ns.get(name):
                self._used[name] += 1
                self._used_ns[name] = stamp_ns

    def _before_writing(self, lost_now: Mapping[str, int]) -> dict[str, int]:
        # A message that was counted before the episode may still come during it, and is then no longer lost.
        total = {name: max(0, lost_now[name] - self._lost_before.get(name, 0)) for name in lost_now}
        for name, count in self._source.lost.items():
            total[name] = total.get(name, 0) + count
        return total

    def _final(self) -> ArmState | None:
        """The arm one period after the last step."""
        last = self.writing.last
        if last is None:
            return None
        period_ns = round(self._spec.period_s * 1e9)
        return nearest_state(self._recent, last.observation.arm.joints.stamp_ns + period_ns, period_ns // 2)

    def _audit(self) -> AuditReport:
        lost = {name: self._lost.get(name, 0) + self.writing.lost.get(name, 0) for name in {*self._lost, *self._logs}}
        settings, rate = self._settings, self._spec.rate_hz
        records = [
            self._record(name, "camera", settings.camera_rate_hz, lost, self._used[name]) for name in self._cameras
        ]
        records.append(self._record("arm", "state", settings.arm_rate_hz, lost))
        if settings.steps_from == "commanded":
            records.append(self._record("actions", "action", rate, lost))
        records.append(self._record("steps", "step", rate, lost))
        failure = "" if self.writing.failure is None else str(self.writing.failure)
        return audit_episode(self.id, self.writing.written, records, self._motion(), failure)

    def _record(
        self, name: str, kind: Any, expected_hz: float, lost: Mapping[str, int], used: int | None = None
    ) -> StreamRecord:
        log = self._logs[name]
        facts: dict[str, Any] = {"expected_hz": expected_hz or None, "lost": lost[name]}
        if used is not None:
            facts |= {"unused": max(0, len(log) - used), "marks": log.marks}
        return StreamRecord(name, kind, log.stamp_ns, log.receive_stamp_ns, **facts)

    def _motion(self) -> Motion | None:
        stamps = self._logs["arm"].stamp_ns
        return Motion(stamps, self._positions.array()) if (np.diff(stamps) > 0).all() else None


def audit_option(report: AuditReport) -> dict[str, Any]:
    """What an episode's options keep of its audit."""
    told = report.to_dict()
    return {"audit": {key: told[key] for key in ("verdict", "reasons", "seconds", "streams")}}


def settings_option(settings: RecorderSettings) -> dict[str, Any]:
    """What an episode's options keep of how it was recorded."""
    kept = ("steps_from", "match_tolerance_s", "align_tolerance_s", "max_age_s")
    return {name: value for name, value in dataclasses.asdict(settings).items() if name in kept}
