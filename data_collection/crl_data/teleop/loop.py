"""What the teleop node does at each control tick, without ROS: newest facts in, an Action or the reason for none out.

Silence is the way to stop: an arm that gets no Action for two control periods holds by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from crl_data.teleop.command import RELEASED, Command
from crl_data.teleop.inputs import JoyInput
from crl_data.teleop.mapper import TeleopMapper
from crl_data.teleop.scripted import ScriptedReacher
from crl_robot.contracts import Action, Pose
from crl_robot.geometry import GRIPPER_DOWN, matrix_from_quat, rpy_from_matrix

ENDED = ("done", "failed")
"""States of a session after which nothing moves any more."""


@dataclass(frozen=True)
class LoopSettings:
    """When to keep silent.

    Attributes:
        cameras: whose newest frame an Action is stamped with.
        max_age_s: older frames are not acted on.
        timeout_s: silence of /arm/status, or of a session that must record, after which it counts as lost.
        only_while_recording: move only while the session records; for motion without a hand on a dead-man.
    """

    cameras: tuple[str, ...] = ("over_shoulder",)
    max_age_s: float = 0.3
    timeout_s: float = 3.0
    only_while_recording: bool = False


class TeleopLoop:
    """Collects what the topics say and decides at each tick. The caller locks.

    ``counters`` counts 'actions' and 'silent' ticks; ``reason`` says why the last tick was silent.
    """

    def __init__(self, source: JoyInput | ScriptedReacher, mapper: TeleopMapper, settings: LoopSettings) -> None:
        self._source, self._mapper, self._settings = source, mapper, settings
        self._frames: dict[str, int] = {}
        self._arm: tuple[str, str, float] | None = None
        self._tool: Pose | None = None
        self._measured_opening: float | None = None
        self._commanded_opening: float | None = None
        self._session, self._session_s = "", 0.0
        self.counters: Counter[str] = Counter()
        self.reason = "not started"

    @property
    def scale(self) -> float:
        """The speed scale in force."""
        return self._mapper.scale

    @property
    def arm(self) -> str:
        """Mode and reason that the arm said last; why it refused an Action stands here."""
        return "" if self._arm is None else f"{self._arm[0]} {self._arm[1]}".strip()

    def on_joy(self, axes: Sequence[float], buttons: Sequence[int], now_s: float) -> None:
        """Take one joystick message. Raises ContractError when it is broken; everything counts as released then."""
        if isinstance(self._source, JoyInput):
            pressed = self._source.take(axes, buttons, now_s)
            self._mapper.press(pressed, self._source.command(now_s).deadman)

    def on_frame(self, camera: str, stamp_ns: int) -> None:
        """A camera has a new frame."""
        self._frames[camera] = stamp_ns

    def on_arm(self, mode: str, reason: str, now_s: float) -> None:
        """The arm says how it is."""
        self._arm = mode, reason, now_s

    def on_tool(self, tool: Pose) -> None:
        """The measured tool pose."""
        self._tool = tool

    def on_opening(self, opening: float) -> None:
        """The measured gripper opening 0..1."""
        self._measured_opening = opening

    def on_commanded(self, opening: float) -> None:
        """The gripper opening that the arm was last commanded, by whomever."""
        self._commanded_opening = opening

    def on_session(self, state: str, now_s: float) -> None:
        """The state of the operator's session; a reset scene has a gripper that nobody commanded."""
        self._session, self._session_s = state, now_s
        if state == "resetting":
            self._commanded_opening = None

    def tick(self, dt_s: float, now_s: float, now_ns: int, others: Sequence[str] = ()) -> Action | None:
        """The Action of this tick or None.

        Args:
            dt_s: time since the last tick.
            now_s: monotonic time, as given with the messages.
            now_ns: on the clock of the frames' stamps.
            others: who else publishes actions.
        """
        self.reason = self._why_silent(now_s, now_ns, others)
        command = RELEASED if self.reason else self._command(now_s)
        action = None
        opening = self._commanded_opening if self._commanded_opening is not None else self._measured_opening
        if self._tool is not None and opening is not None:
            yaw = rpy_from_matrix(matrix_from_quat(self._tool.quat_wxyz) @ GRIPPER_DOWN.T)[2]
            action = self._mapper.step(command, dt_s, self._newest_ns(), opening, float(yaw))
        self.counters["silent" if action is None else "actions"] += 1
        return action

    def _command(self, now_s: float) -> Command:
        if isinstance(self._source, JoyInput):
            return self._source.command(now_s)
        command = self._source.command(self._tool, now_s)
        self._mapper.press(command.pressed, command.deadman)
        return command

    def _why_silent(self, now_s: float, now_ns: int, others: Sequence[str]) -> str:
        return (
            self._session_reason(now_s)
            or (f"{', '.join(others)} publishes on /arm/action as well; stop it first" if others else "")
            or self._arm_reason(now_s)
            or self._frame_reason(now_ns)
            or (self._source.why_released(now_s) if isinstance(self._source, JoyInput) else "")
        )

    def _session_reason(self, now_s: float) -> str:
        if self._session in ENDED:
            return f"the session is over ({self._session})"
        if not self._settings.only_while_recording:
            return ""
        if self._session != "recording":
            return "waiting for the session to record"
        silence_s = now_s - self._session_s
        return f"the session has said nothing for {silence_s:.1f} s" if silence_s > self._settings.timeout_s else ""

    def _arm_reason(self, now_s: float) -> str:
        if self._arm is None or self._tool is None or self._measured_opening is None:
            return "no arm state yet"
        mode, reason, heard_s = self._arm
        if now_s - heard_s > self._settings.timeout_s:
            return f"the arm has said nothing for {now_s - heard_s:.1f} s"
        if mode not in ("holding", "moving"):
            return f"the arm is {mode} ({reason}); reset and enable it first"
        return "the arm is homing" if reason == "homing" else ""

    def _frame_reason(self, now_ns: int) -> str:
        for camera in self._settings.cameras:
            if camera not in self._frames:
                return f"no frame from camera '{camera}' yet"
            age_s = (now_ns - self._frames[camera]) / 1e9
            if abs(age_s) > self._settings.max_age_s:
                return f"the newest frame of camera '{camera}' is {age_s:.2f} s old"
        return ""

    def _newest_ns(self) -> int:
        return max((self._frames.get(camera, 0) for camera in self._settings.cameras), default=0)
