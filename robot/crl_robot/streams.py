"""The newest complete observation at a tick, and what was lost on the way to it.

Used by the policy and by the recorder alike, so both see the same thing at the same tick. No threads; the caller locks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import replace

from crl_robot.contracts import ArmState, Frame, Observation
from crl_robot.sequence import SequenceTracker

ALIGN_TOLERANCE_S = 0.05
"""Stamps of one observation lie at most this far apart: one and a half periods of cameras that run freely at 30 Hz."""


class ObservationBuffer:
    """Keeps the latest frames of each camera and the latest states of the arm, and puts together what belongs together.

    An observation belongs to an instant: the stamp of its newest frame where one acts now, of any frame where one looks
    back. With it go the frame of each camera and the arm state that are stamped nearest to it, all within ``align_s``;
    else there is no observation.

    Args:
        cameras: the cameras an observation needs.
        tolerance_s: age above which a frame or the arm state is too old.
        align_s: largest difference of any stamp to the instant.
        keep_s: how far one can look back.
    """

    def __init__(
        self,
        cameras: Sequence[str],
        tolerance_s: float,
        align_s: float = ALIGN_TOLERANCE_S,
        keep_s: float = 0.0,
    ) -> None:
        self._tolerance_ns = round(tolerance_s * 1e9)
        self._align_ns = round(align_s * 1e9)
        self._keep_ns = round(max(keep_s, align_s) * 1e9)
        self._frames: dict[str, deque[Frame]] = {name: deque() for name in cameras}
        self._states: deque[ArmState] = deque()
        self._trackers = {name: SequenceTracker() for name in cameras}
        self.unaligned = 0
        """Times that `observe` gave nothing although all was there and fresh: stamps lay too far apart."""

    @property
    def lost(self) -> dict[str, int]:
        """Frames lost so far, per camera."""
        return {name: tracker.lost for name, tracker in self._trackers.items()}

    @property
    def received(self) -> dict[str, int]:
        """Frames received so far, per camera."""
        return {name: tracker.received for name, tracker in self._trackers.items()}

    def ages_ms(self, now_ns: int) -> dict[str, float | None]:
        """How long ago the newest frame of each camera was stamped; None before the first."""
        return {
            name: round((now_ns - frames[-1].stamp_ns) / 1e6, 1) if frames else None
            for name, frames in self._frames.items()
        }

    def add_frame(self, camera: str, frame: Frame, sequence: int | None = None, publisher: Hashable = None) -> None:
        """Take a frame; one that is older than the one already here only counts as received.

        A frame here that is stamped well after this one's arrival is from before the clock went back, and gives way.
        """
        self._trackers[camera].update(sequence, publisher)
        frames = self._frames[camera]
        if frames and frames[-1].stamp_ns > frame.receive_stamp_ns + self._tolerance_ns:
            frames.clear()
        if not frames or frames[-1].stamp_ns <= frame.stamp_ns:
            frames.append(frame)
        while frames[-1].stamp_ns - frames[0].stamp_ns > self._keep_ns:
            frames.popleft()

    def add_arm(self, state: ArmState) -> None:
        """Take the newest arm state; one stamped before the last was made by a clock that went back."""
        stamp_ns = state.joints.stamp_ns
        if self._states and stamp_ns < self._states[-1].joints.stamp_ns:
            self._states.clear()
        self._states.append(state)
        while stamp_ns - self._states[0].joints.stamp_ns > self._tolerance_ns + self._keep_ns:
            self._states.popleft()

    def observe(self, now_ns: int) -> Observation | None:
        """The newest observation at ``now_ns``, or None; `why_not` says what is missing, too old or apart."""
        if self._incomplete(now_ns):
            return None
        observation = self._assemble(self._newest_ns(), now_ns)
        self.unaligned += isinstance(observation, str)
        return None if isinstance(observation, str) else observation

    def why_not(self, now_ns: int) -> str:
        """What keeps an observation from being complete, fresh and aligned; empty when nothing does."""
        reason = self._incomplete(now_ns)
        if reason:
            return reason
        observation = self._assemble(self._newest_ns(), now_ns)
        return observation if isinstance(observation, str) else ""

    def at(self, stamp_ns: int, tolerance_ns: int = 0) -> Observation | None:
        """The observation of the frame that is stamped so, or nearest to it within the tolerance.

        None when there is no such frame, what belongs to it is missing, or any part was too old when it arrived. The
        observation's own stamp is the arrival of its last part.
        """
        near = [stamp for stamp in self.frame_stamps(stamp_ns - tolerance_ns) if stamp <= stamp_ns + tolerance_ns]
        if not near or not self._states:
            return None
        found = self._assemble(min(near, key=lambda stamp: abs(stamp - stamp_ns)), 0)
        if isinstance(found, str):
            return None
        parts = [(frame.stamp_ns, frame.receive_stamp_ns) for frame in found.frames.values()]
        joints = found.arm.joints
        if joints.receive_stamp_ns is not None:
            parts.append((joints.stamp_ns, joints.receive_stamp_ns))
        if any(abs(received - stamped) > self._tolerance_ns for stamped, received in parts):
            return None
        return replace(found, stamp_ns=max(received for _, received in parts))

    def frame_stamps(self, since_ns: int) -> list[int]:
        """Stamps of the frames of all cameras from an instant on, in order, as far as they are kept."""
        stamps = {frame.stamp_ns for frames in self._frames.values() for frame in frames}
        return sorted(stamp for stamp in stamps if stamp >= since_ns)

    def settled_ns(self) -> int:
        """Up to here every stream has arrived: what `at` finds before it does not change any more."""
        if not self._states or not all(self._frames.values()):
            return -1
        newest = [frames[-1].stamp_ns for frames in self._frames.values()]
        return min(*newest, self._states[-1].joints.stamp_ns)

    def _incomplete(self, now_ns: int) -> str:
        for name, frames in self._frames.items():
            if not frames:
                return f"no image from camera '{name}' yet"
        if not self._states:
            return "no arm state yet"
        stamps = {f"image of camera '{name}'": frames[-1].stamp_ns for name, frames in self._frames.items()}
        stamps["arm state"] = self._states[-1].joints.stamp_ns
        for what, stamp_ns in stamps.items():
            age_ns = now_ns - stamp_ns
            if abs(age_ns) > self._tolerance_ns:
                return f"{what} is {abs(age_ns) / 1e6:.0f} ms {'old' if age_ns > 0 else 'ahead of the clock'}"
        return ""

    def _newest_ns(self) -> int:
        return max(frames[-1].stamp_ns for frames in self._frames.values())

    def _assemble(self, instant_ns: int, now_ns: int) -> Observation | str:
        """What belongs to an instant, or why there is none; some frame of every camera and some state are here."""
        frames = {
            name: min(frames, key=lambda frame: abs(frame.stamp_ns - instant_ns), default=None)
            for name, frames in self._frames.items()
        }
        state = min(self._states, key=lambda state: abs(state.joints.stamp_ns - instant_ns))
        chosen: dict[str, Frame] = {}
        for name, frame in frames.items():
            if frame is None:
                return f"no image from camera '{name}' yet"
            if abs(frame.stamp_ns - instant_ns) > self._align_ns:
                return self._apart(f"image of camera '{name}'", frame.stamp_ns - instant_ns)
            chosen[name] = frame
        if abs(state.joints.stamp_ns - instant_ns) > self._align_ns:
            return self._apart("arm state", state.joints.stamp_ns - instant_ns)
        return Observation(chosen, state, now_ns, self.lost)

    def _apart(self, what: str, apart_ns: int) -> str:
        apart_ms, limit_ms = abs(apart_ns) / 1e6, self._align_ns / 1e6
        return f"{what} is {apart_ms:.0f} ms from the newest frame, expected at most {limit_ms:.0f} ms"
