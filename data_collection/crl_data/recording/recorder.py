"""The recorder without ROS: idle -> recording -> finishing -> pending -> idle, as its operator asks.

`Recorder` is asked by one thread at a time and may take as long as the disk takes; `Recorder.status` may be asked by
any. What arrives meanwhile goes to `Recorder.intake`, which never waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

from crl_data.recording import disk
from crl_data.recording.audit import AuditReport
from crl_data.recording.goals import save_goals
from crl_data.recording.intake import Inputs, Intake
from crl_data.recording.recorder_settings import EpisodeLabels, RecorderSettings
from crl_data.recording.recording import Recording, audit_option, settings_option
from crl_data.recording.review import Pending, Review
from crl_data.store import Store
from crl_data.telling import Told
from crl_data.writer import EpisodeWriter
from crl_robot.contracts import Observation
from crl_robot.errors import CrlError, StoreError

State = Literal["idle", "recording", "finishing", "pending"]

RECORDING_ALREADY = "an episode is being recorded already"
PATIENCE_S = 0.5
"""How long a complete observation is waited for: frames of several cameras do not come at once."""


class Recorder:
    """Records episodes of one store. Each request answers with a sentence or raises CrlError.

    Args:
        inputs: asked for the present observation and for what was lost.
        now_ns: the clock of the stamps.
        on_audit: called with the report of each episode that ended, before it is accepted.
    """

    def __init__(
        self,
        store: Store,
        settings: RecorderSettings,
        inputs: Inputs,
        now_ns: Callable[[], int],
        on_audit: Callable[[AuditReport], None] = lambda report: None,
    ) -> None:
        self._store, self._settings, self._inputs = store, settings, inputs
        self._now_ns, self._on_audit = now_ns, on_audit
        self.intake = Intake(store.spec, settings, inputs, now_ns)
        self._recording: Recording | None = None
        self._ended = False
        self.review = Review(store)
        self._success: bool | None = None
        self._note = self._failure = ""
        self._more: dict[str, Any] = {}
        self._told: Told | None = None
        self.untold = ""
        """Why what a policy told is not in the episode that ended last; '' where it is."""
        self._began_s = 0.0

    @property
    def state(self) -> State:
        """What it does now; 'finishing' also when the disk refused and /recorder/stop has to be called again."""
        if self._recording is not None:
            return "finishing" if self._ended else "recording"
        return "pending" if self.review.pending is not None else "idle"

    def start(self, labels: EpisodeLabels) -> str:
        """Begin an episode."""
        if self._recording is not None:
            raise StoreError(f"{RECORDING_ALREADY}; call /recorder/stop or /recorder/discard first")
        self.review.require_none()
        disk.require_room(self._store.path, self._settings.min_free_mb)
        if self._present() is None:
            reason = self._inputs.why_not(self._now_ns()) or "streams come and go"
            raise StoreError(f"nothing to record yet: {reason}; start the arm and cameras first")
        calibration = self._inputs.calibration()
        missing = sorted(set(self._store.spec.cameras) - set(calibration))
        warnings = disk.room_warnings(self._store.path, self._settings.warn_free_mb)
        warnings += [f"(no calibration from {', '.join(missing)})"] if missing else []
        writer = EpisodeWriter(
            self._store,
            source="recorder",
            episode_id=labels.episode_id,
            options=settings_option(self._settings),
            operator=labels.operator,
            robot_id=labels.robot_id,
            calibration=calibration,
        )
        source = self.intake.source
        recording = Recording(writer, self._store.spec.action, source, self._settings, self._inputs.lost())
        self._success, self._note, self._failure, self._more = None, labels.note, "", {}
        self._told, self.untold = None, ""
        self._began_s = time.monotonic()
        self._ended, self._recording = False, recording
        self.intake.begin(recording)
        return " ".join([f"recording episode {writer.id}", *warnings])

    def stop(self) -> str:
        """End the episode, judge it, and make it complete and durable; with review it then waits for the operator."""
        report = self._finish()
        if self._settings.review:
            return f"{_told(report)}; call /recorder/accept or /recorder/discard"
        return f"{_told(report)}; {self.accept()}"

    def accept(self) -> str:
        """Let the pending episode appear in the store."""
        return self.review.accept(self._success)

    def discard(self) -> str:
        """Forget the running or the pending episode."""
        recording = self._recording
        if recording is None:
            return self.review.discard()
        self._end()
        recording.writing.discard()
        self._recording = None
        return f"discarded episode {recording.id}: {recording.writing.taken} steps"

    def mark_success(self, success: bool) -> str:
        """Say whether the running or pending episode reached what it was meant to."""
        if self.state == "idle":
            raise StoreError("no episode to mark; mark it while it is recorded or before it is accepted")
        self._success = success
        return f"marked as {'a success' if success else 'a failure'}"

    def describe(self, options: Mapping[str, Any]) -> None:
        """Add to the options of the running episode."""
        self._more |= options

    def tell(self, told: Told) -> None:
        """Add what a policy told to the running episode when it ends; without it where that cannot be done."""
        self._told = told

    def capture_goal(self) -> str:
        """Save what the cameras see now as goal images; while recording, mark the newest step as a goal."""
        observation = self._present()
        if observation is None:
            raise StoreError(f"no goal image was taken: {self._inputs.why_not(self._now_ns()) or 'try again'}")
        marked = "" if self._recording is None or self._ended else self._mark_goal(self._recording)
        paths = save_goals(self._store.path, observation.frames)
        return marked + "saved " + " ".join(str(path) for path in paths)

    def leave(self) -> str:
        """End a running episode as ``on_exit`` says, for the end of the process; what is pending stays so."""
        if self._recording is None:
            return ""
        if self._settings.on_exit == "discard":
            return self.discard()
        told = _told(self._finish())
        return f"{told}; {self.accept()}" if self._settings.on_exit == "accept" else f"{told}; it is kept as pending"

    def status(self) -> dict[str, Any]:
        """Facts for people and programs; times in s. Raises StoreError when the disk is gone."""
        recording, pending = self._recording, self.review.pending
        free = disk.free_bytes(self._store.path)
        facts: dict[str, Any] = {
            "state": self.state,
            "store": str(self._store.path),
            "committed": self.review.committed,
            "success": self._success,
            "failure": self._failure,
            "waiting_for": self._inputs.why_not(self._now_ns()),
            "rates_hz": self.intake.rates_hz(),
            "free_bytes": free,
            "low_on_disk": free < self._settings.warn_free_mb * disk.MB,
        }
        if recording is not None:
            seconds = time.monotonic() - self._began_s
            facts |= self.intake.facts(recording) | {"seconds": round(seconds, 2)}
            facts["seconds_left"] = disk.seconds_left(free, facts["bytes_written"], seconds)
            facts["failure"] = self._failure or facts["failure"]
        elif pending is not None:
            facts |= {"episode": pending.id, "steps": pending.steps}
        return facts

    def _mark_goal(self, recording: Recording) -> str:
        try:
            return f"marked step {self.intake.mark_goal(recording)} as a goal; "
        except StoreError as error:
            return f"no step was marked ({error}); "

    def _present(self) -> Observation | None:
        """The present observation; waits for it a little."""
        end = time.monotonic() + PATIENCE_S
        while (observation := self._inputs.observe(self._now_ns())) is None and time.monotonic() < end:
            time.sleep(0.01)
        return observation

    def _end(self) -> None:
        self._ended = True
        self.intake.end()

    def _finish(self) -> AuditReport:
        recording = self._recording
        if recording is None:
            raise StoreError("no episode is being recorded; call /recorder/start first")
        self._end()
        if not recording.writing.taken:
            self.discard()
            raise StoreError(f"no step was recorded, nothing is kept; {self._why_no_step()}")
        try:
            report = recording.finish(self._success, self._note, self._told)
        except CrlError as error:
            self._failure = str(error)
            raise
        self._failure, self.untold = "", recording.writing.untold
        options = self._more | recording.writing.told | settings_option(self._settings) | audit_option(report)
        self.review.hold(Pending(recording.id, report.steps, options))
        self._recording = None
        self._on_audit(report)
        return report

    def _why_no_step(self) -> str:
        hint = "do the cameras run?" if self._settings.steps_from == "clock" else "does the arm take actions?"
        return self._inputs.why_not(self._now_ns()) or hint


def _told(report: AuditReport) -> str:
    return f"episode {report.episode}: {report.steps} steps in {report.seconds:.1f} s, {report.summary()}"
