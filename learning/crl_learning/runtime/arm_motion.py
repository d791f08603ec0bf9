"""How long an arm that stands takes from a command to its first motion: from stamped commands and arm states.

Nothing is assumed of the arm but that it stood before. What cannot be told gives no figure: an arm that does not move,
a command that hides in the arm's own noise, states that are missing where the motion begins.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STAND_S = 0.4
"""The arm is watched for so long before a command, and its noise is taken from there."""
WAIT_S = 1.5
"""A motion that begins later is none that follows."""
LED_S = 0.5
"""So much of a move to a start pose tells its direction."""
LONGEST_LED_S = WAIT_S + LED_S + 0.5
WIDEST_S = 0.1
"""A beginning that is known less well is not told."""
LEAST_STATES = 5
LEAST_M = 0.003
"""Of a commanded way: of a smaller one joints with play, friction and encoders of few steps show nothing for sure."""
BEYOND_NOISE = 2.0
"""Times the largest deviation of the standing arm: what is farther is motion."""
FELT_PART, SEEN_PART, GONE_PART = 0.01, 0.05, 0.3
"""Of the commanded way: a motion begins at the first and is one at the second; an arm that follows goes the third."""


@dataclass(frozen=True)
class Command:
    """When an arm was told to move its tool by ``displacement`` (3,) m; in ns on the clock of the states."""

    stamp_ns: int
    displacement: Array

    @property
    def length(self) -> float:
        """In m."""
        return float(np.linalg.norm(self.displacement))


@dataclass(frozen=True)
class Track:
    """Where the tool was: stamps (N,) in ns, rising, measured positions (N, 3) and those of the target (N, 3) in m."""

    stamps_ns: NDArray[np.int64]
    positions: Array
    targets: Array

    @property
    def period_ms(self) -> float:
        """The usual time between two states; NaN of fewer than two."""
        return float(np.median(np.diff(self.stamps_ns))) / 1e6 if len(self.stamps_ns) > 1 else float("nan")

    def between(self, since_ns: int, until_ns: int) -> Track:
        """The states after ``since_ns`` and up to ``until_ns``."""
        first, last = np.searchsorted(self.stamps_ns, (since_ns, until_ns), side="right")
        return Track(self.stamps_ns[first:last], self.positions[first:last], self.targets[first:last])


@dataclass(frozen=True)
class Motion:
    """A motion that followed a command: it began within half of ``resolution_ms`` of ``latency_ms``."""

    latency_ms: float
    resolution_ms: float


def first_motion(command: Command, track: Track, next_ns: int | None = None) -> Motion | None:
    """When the arm that stood moved first in the direction of ``command``; None where that cannot be told.

    The motion began between the last state that shows none and the first that does; the middle is told. Noise makes the
    first of them earlier, by the time in which the moving arm goes as far as the noise. The resolution is never better
    than the usual period of the states.

    Args:
        next_ns: when the next command was given. A target that has not changed before came from that one.
    """
    before, after = _around(command, track)
    length = command.length
    if length < LEAST_M or len(before.stamps_ns) < LEAST_STATES or not _taken(command, before, after, next_ns):
        return None
    along = command.displacement / length
    standing = before.positions @ along
    middle = float(np.median(standing))
    noise = float(np.abs(standing - middle).max())
    stamps = np.append(before.stamps_ns[-1], after.stamps_ns)
    gone = np.append(standing[-1], after.positions @ along) - middle
    return _begun(command, stamps, gone, noise, track.period_ms)


def led_motion(asked_ns: int, track: Track) -> Motion | None:
    """The first motion after an arm has taken a start pose for its target; None where that cannot be told, or not yet.

    It counts from there, and not from the question: the arm looks first whether the whole way is free.
    """
    before = track.between(asked_ns - round(STAND_S * 1e9), asked_ns)
    after = track.between(asked_ns, asked_ns + round(1e9 * WAIT_S))
    if len(before.stamps_ns) == 0:
        return None
    taken = np.flatnonzero(np.linalg.norm(after.targets - before.targets[-1], axis=1) > LEAST_M)
    if len(taken) == 0:
        return None
    earlier_ns, told_ns = np.append(before.stamps_ns[-1], after.stamps_ns)[[taken[0], taken[0] + 1]]
    way = track.between(told_ns, told_ns + round(1e9 * LED_S)).positions
    if len(way) == 0 or track.stamps_ns[-1] < told_ns + round(1e9 * LED_S):
        return None
    found = first_motion(Command(int(told_ns + earlier_ns) // 2, way[-1] - before.positions[-1]), track)
    wide_ms = (found.resolution_ms if found else 0.0) + float(told_ns - earlier_ns) / 1e6
    return replace(found, resolution_ms=round(wide_ms, 2)) if found and wide_ms <= 1e3 * WIDEST_S else None


def _around(command: Command, track: Track) -> tuple[Track, Track]:
    """The states of the standing arm, and those in which it may begin to move."""
    stamp_ns = command.stamp_ns
    before = track.between(stamp_ns - round(STAND_S * 1e9), stamp_ns)
    return before, track.between(stamp_ns, stamp_ns + round(WAIT_S * 1e9))


def _taken(command: Command, before: Track, after: Track, next_ns: int | None) -> bool:
    """Whether the arm drives where this command, and no later one, has told it to."""
    along = command.displacement / command.length
    moved = np.flatnonzero((after.targets - before.targets[-1]) @ along > GONE_PART * command.length)
    return len(moved) > 0 and (next_ns is None or bool(after.stamps_ns[moved[0]] <= next_ns))


def _begun(command: Command, stamps_ns: NDArray[np.int64], gone: Array, noise: float, state_ms: float) -> Motion | None:
    """From states (N,) whose first shows the standing arm, and how far (N,) m it had gone at each."""
    felt, seen, far = (
        gone > max(BEYOND_NOISE * noise, part * command.length) for part in (FELT_PART, SEEN_PART, GONE_PART)
    )
    lasting = np.flatnonzero(seen[:-1] & seen[1:])
    if len(lasting) == 0 or not far.any():
        return None
    last = int(np.flatnonzero(~felt[: lasting[0]])[-1])
    there = max(int(far.argmax()), last + 1)
    speed = (gone[there] - gone[last]) / ((stamps_ns[there] - stamps_ns[last]) / 1e9)
    ms = (stamps_ns[[last, last + 1]] - command.stamp_ns) / 1e6
    earliest_ms = max(ms[0] - 1e3 * max(gone[last] + noise, 0.0) / speed, 0.0)
    wide_ms = ms[1] - earliest_ms
    if wide_ms > 1e3 * WIDEST_S:
        return None
    return Motion(round(float(earliest_ms + wide_ms / 2), 2), round(max(float(wide_ms), state_ms), 2))
