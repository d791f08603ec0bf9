"""One sitting of an operator, as a state machine without ROS: reset, start, stop, keep or drop, again and again.

It asks for one `Call` at a time and is told how it ended.

    waiting -> resetting -> ready -> starting -> recording -> stopping -> review -> saving -> resetting ...
                                                     |                      |                    or done
                                                     +----> dropping <------+
    paused: a reset failed, or waits for the operator.  failed: the recorder or the arm is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from crl_data.teleop.command import SESSION_BUTTONS
from crl_data.teleop.session_settings import CHOICES, FOUND, STEPS, Call, SessionSettings
from crl_data.words import counted


@dataclass
class Session:
    """The sitting so far.

    Attributes:
        label: names a button as the operator's device does.
        state, note: where it is, and what there is to say about that.
        kept, dropped, resets: episodes and scenes so far.
        success, audit: mark and verdict of the episode that is made now.
        failures, last_failure: what went wrong in a row.
        entered: number of changes of the state.
        busy: a call waits for its answer; queued: what was pressed meanwhile.
    """

    settings: SessionSettings
    label: Callable[[str], str] = field(default=lambda button: button)
    state: str = "waiting"
    kept: int = 0
    dropped: int = 0
    note: str = "waiting for the recorder and the arm"
    success: bool | None = None
    audit: dict[str, Any] = field(default_factory=dict)
    resets: int = 0
    failures: int = 0
    last_failure: str = ""
    entered: int = 0
    busy: bool = False
    queued: frozenset[str] = frozenset()
    _homing: bool = False
    _left: bool = False

    def choices(self) -> tuple[str, ...]:
        """Buttons that do something now."""
        return () if self.busy else CHOICES.get(self.state, ())

    def press(self, buttons: frozenset[str]) -> Call | None:
        """Take buttons that went down together; the first that means something now counts, so one press is one step.

        While a mark or a goal is being taken, the last press waits for that.
        """
        for button in SESSION_BUTTONS:
            if button in buttons and button in CHOICES.get(self.state, ()):
                if not self.busy:
                    return self._obey(button)
                self.queued = frozenset({button})
        return None

    def next(self) -> Call | None:
        """The step that leads on: start, stop or keep."""
        return self.press(frozenset(("start", "stop", "keep")))

    def peers(self, missing: Sequence[str], recorder: str = "idle") -> Call | None:
        """Say which of recorder and arm are not there. Losing one of them ends the sitting.

        ``recorder`` is its state: an episode from before this sitting is stopped, or reviewed, first.
        """
        if self.state in ("done", "failed"):
            return None
        if self.state == "waiting":
            if missing:
                self.note = f"waiting for {' and '.join(missing)}"
                return None
            if recorder != "idle":
                return self._enter(*FOUND.get(recorder, FOUND["recording"]))
            if self.settings.reset == "home" and not self.settings.automatic:
                return self._enter("paused", "the arm is about to move to its home pose")
            return self._reset("")
        if not missing:
            return None
        recording = self.state == "recording"
        self.give_up(f"lost {' and '.join(missing)}; the arm holds. Start again when it is back")
        # What was recorded up to here becomes durable, if there is still someone who can see to that.
        return self._ask("stop") if recording and "the recorder" not in missing else None

    def arm_is(self, mode: str, reason: str) -> None:
        """Say what the arm does; a scene is ready once the arm has come home."""
        if self.state != "resetting" or not self._homing or self.busy:
            return
        if mode == "moving":
            self._left = True
        elif reason == "at home":
            self._enter("ready", "put the scene as you want it")
        elif self._left:
            self._back_to("paused", f"the arm stopped on its way home: {reason}")

    def audited(self, audit: dict[str, Any]) -> None:
        """Take the recorder's verdict on the episode just stopped."""
        self.audit = audit

    def answered(self, call: Call, success: bool, message: str) -> Call | None:
        """Say how a call ended; returns the next one, if any."""
        self.busy = False
        if self.state in ("done", "failed"):
            return None
        state, pressed, self.queued = self.state, self.queued, frozenset()
        further = getattr(self, f"_after_{call.name}")(success, message, call)
        return self.press(pressed) if self.state == state else further

    def fail_once(self, reason: str) -> None:
        """Count a failure; keeping an episode forgets them."""
        self.failures += 1
        self.last_failure = reason

    def give_up(self, reason: str) -> None:
        """End the sitting as failed."""
        self._enter("failed", reason)

    def _obey(self, button: str) -> Call | None:
        if button == "start" and self.state in ("paused", "resetting"):
            return self._reset("")
        if button == "drop" and self.state == "ready":
            return self._reset("another scene")
        if button == "success":
            self.success = not self.success
            return self._ask("mark_success", self.success)
        if button == "goal":
            return self._ask("capture_goal")
        state, call = STEPS[button]
        if button == "start":
            self.success, self.audit = None, {}
        self._enter(state)
        return self._ask(call)

    def _reset(self, note: str) -> Call | None:
        self._enter("resetting", note)
        if self.settings.reset == "none":
            return self._enter("ready", note)
        self.resets += 1
        self._homing, self._left = self.settings.reset == "home", False
        return self._ask("reset")

    def _after_reset(self, success: bool, message: str, _: Call) -> None:
        if not success:
            self._back_to("paused", f"the scene could not be reset: {message}")
        elif self._homing:
            self._enter("resetting", "the arm moves home")
        else:
            self._enter("ready", "")

    def _after_start(self, success: bool, message: str, _: Call) -> None:
        self._enter("recording") if success else self._back_to("ready", f"not started: {message}")

    def _after_stop(self, success: bool, message: str, _: Call) -> None:
        self._enter("review") if success else self._back_to("recording", f"not stopped: {message}")

    def _after_accept(self, success: bool, message: str, _: Call) -> Call | None:
        if not success:
            return self._back_to("review", f"not kept: {message}")
        self.kept += 1
        self.failures = 0
        if self.kept == self.settings.episodes:
            return self._enter("done", f"{counted(self.kept, 'episode')} kept, {self.dropped} dropped")
        return self._reset(f"kept: {message}")

    def _after_discard(self, success: bool, message: str, _: Call) -> Call | None:
        """The recorder may have nothing left to discard, so a refusal does not stop the sitting."""
        self.dropped += 1
        return self._reset(f"dropped: {message}" if success else f"nothing to drop: {message}")

    def _after_mark_success(self, success: bool, message: str, call: Call) -> None:
        self.note = message if success else f"not marked: {message}"
        if not success:
            self.success = None if call.value else True

    def _after_capture_goal(self, success: bool, message: str, _: Call) -> None:
        self.note = message if success else f"no goal captured: {message}"

    def _back_to(self, state: str, reason: str) -> None:
        self.fail_once(reason)
        self._enter(state, reason)

    def _enter(self, state: str, note: str = "") -> None:
        self.state, self.note = state, note
        self.entered += 1

    def _ask(self, name: str, value: bool | None = None) -> Call:
        self.busy = True
        return Call(name, value)
