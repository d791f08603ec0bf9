"""The newest complete observation at a tick, and what was lost on the way to it.

Used by the policy and by the recorder alike, so both see the same thing at the same tick. No threads; the caller locks.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from crl_robot.contracts import ArmState, Frame, Observation

_REMEMBERED = 100
"""Newest missing sequence numbers that a late message can still take back."""


class SequenceTracker:
    """Counts messages that were published but never arrived, from the publishers' sequence numbers.

    A number at or a little below the last one of the same publisher is a message that came late or twice; it is not
    counted as lost, and a late one that had been counted is taken back. One far below it comes from a publisher that
    was started again where the middleware does not name publishers.
    """

    def __init__(self) -> None:
        self.received = 0
        self.lost = 0
        self.unnumbered = 0
        self._last: dict[Hashable, int] = {}
        self._missing: dict[Hashable, set[int]] = {}

    def update(self, sequence: int | None, publisher: Hashable = None) -> int:
        """Note one arrival; returns how many messages were lost right before it."""
        self.received += 1
        if sequence is None:
            self.unnumbered += 1
            return 0
        last = self._last.get(publisher)
        if last is not None and sequence < last - _REMEMBERED:
            last = None
            self._missing[publisher].clear()
        if last is not None and sequence <= last:
            late = sequence in self._missing[publisher]
            self._missing[publisher].discard(sequence)
            self.lost -= int(late)
            return 0
        self._last[publisher] = sequence
        missing = range(sequence if last is None else last + 1, sequence)
        self._missing.setdefault(publisher, set()).update(missing[-_REMEMBERED:])
        self.lost += len(missing)
        return len(missing)


class ObservationBuffer:
    """Keeps the newest frame of each camera and the newest arm state.

    Args:
        cameras: the cameras an observation needs.
        tolerance_s: age above which a frame or the arm state is too old to act on.
    """

    def __init__(self, cameras: Sequence[str], tolerance_s: float) -> None:
        self._cameras = tuple(cameras)
        self._tolerance_ns = round(tolerance_s * 1e9)
        self._frames: dict[str, Frame] = {}
        self._arm: ArmState | None = None
        self._trackers = {name: SequenceTracker() for name in self._cameras}

    @property
    def lost(self) -> dict[str, int]:
        """Frames lost so far, per camera."""
        return {name: tracker.lost for name, tracker in self._trackers.items()}

    @property
    def received(self) -> dict[str, int]:
        """Frames received so far, per camera."""
        return {name: tracker.received for name, tracker in self._trackers.items()}

    def add_frame(self, camera: str, frame: Frame, sequence: int | None = None, publisher: Hashable = None) -> None:
        """Take a frame; one that is older than the one already here only counts as received.

        A frame here that is stamped well after this one's arrival is from before the clock went back, and gives way.
        """
        self._trackers[camera].update(sequence, publisher)
        newest = self._frames.get(camera)
        newest_ns = -1 if newest is None else newest.stamp_ns
        if newest_ns <= frame.stamp_ns or newest_ns > frame.receive_stamp_ns + self._tolerance_ns:
            self._frames[camera] = frame

    def add_arm(self, state: ArmState) -> None:
        """Take the newest arm state."""
        self._arm = state

    def observe(self, now_ns: int) -> Observation | None:
        """The observation at ``now_ns``, or None; `why_not` says what is missing or too old."""
        if self.why_not(now_ns) or self._arm is None:
            return None
        return Observation(dict(self._frames), self._arm, now_ns, self.lost)

    def why_not(self, now_ns: int) -> str:
        """What keeps an observation from being complete and fresh; empty when nothing does."""
        stamps = {f"image of camera '{name}'": frame.stamp_ns for name, frame in self._frames.items()}
        for name in self._cameras:
            if name not in self._frames:
                return f"no image from camera '{name}' yet"
        if self._arm is None:
            return "no arm state yet"
        stamps["arm state"] = self._arm.joints.stamp_ns
        for what, stamp_ns in stamps.items():
            age_ns = now_ns - stamp_ns
            if abs(age_ns) > self._tolerance_ns:
                return f"{what} is {abs(age_ns) / 1e6:.0f} ms {'old' if age_ns > 0 else 'ahead of the clock'}"
        return ""
