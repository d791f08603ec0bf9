"""Pictures of one goal that come one by one, a topic for each camera: a goal is taken whole or not at all.

Pictures with equal stamps belong together. One goal is collected at a time; what is given up is told in a sentence.
Every clock is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from crl_robot.errors import GoalImageError

WAIT_S = 3.0
"""How long a goal may take from its first picture to its last."""
REMEMBERED = 64
"""Goals that were taken or given up, whose late pictures begin no other."""

T = TypeVar("T")


class GoalCollector(Generic[T]):
    """Holds at most one picture of each camera. Not for several threads.

    Args:
        cameras: all that a goal needs, in order.
        given_up: told why a goal that was begun will not be whole.
        wait_s: see WAIT_S; for as long late pictures of a goal that was taken or given up are passed over.
    """

    def __init__(self, cameras: Sequence[str], given_up: Callable[[str], None], wait_s: float = WAIT_S) -> None:
        self._cameras, self._given_up, self._wait_s = tuple(cameras), given_up, wait_s
        self._pictures: dict[str, T] = {}
        self._stamp_ns = self._taken_ns = 0
        self._begun_s = 0.0
        self._done: dict[int, float] = {}
        self.passed_over = 0
        """Pictures that were there already, or came after their goal was taken or given up."""

    @property
    def held(self) -> int:
        """Pictures that wait for others."""
        return len(self._pictures)

    def add(self, camera: str, stamp_ns: int, picture: T, now_s: float) -> dict[str, T] | None:
        """Take one picture; returns all of its goal, in the order of the cameras, when it was the last one missing.

        Of a camera's pictures with one stamp the first counts.

        Args:
            now_s: monotonic seconds.

        Raises:
            GoalImageError: a camera that is not needed, no stamp, or one older than that of the goal that is collected
                or was taken just before.
        """
        self.look(now_s)
        self._require_usable(camera, stamp_ns)
        if stamp_ns in self._done or (stamp_ns == self._stamp_ns and camera in self._pictures):
            self.passed_over += 1
            return None
        if stamp_ns < self._stamp_ns:
            self._finish(stamp_ns, now_s)
            raise GoalImageError(
                f"the goal with stamp {stamp_ns} is older than one that came before it, with stamp {self._stamp_ns}, "
                "expected a later one; nothing needs to be done if that is the one you want"
            )
        if self._pictures and stamp_ns > self._stamp_ns:
            self.give_up(f"a later one began, with stamp {stamp_ns}", now_s)
        if not self._pictures:
            self._stamp_ns, self._begun_s = stamp_ns, now_s
        self._pictures[camera] = picture
        return self._whole(now_s) if len(self._pictures) == len(self._cameras) else None

    def look(self, now_s: float) -> None:
        """Give up a goal that has waited too long, and forget those that were done with long ago."""
        if self._pictures and now_s - self._begun_s > self._wait_s:
            self.give_up(f"{self._wait_s:g} s went by", now_s)
        self._done = {stamp: at_s for stamp, at_s in self._done.items() if now_s - at_s <= self._wait_s}
        if not self._pictures and self._stamp_ns not in self._done:
            self._stamp_ns = self._taken_ns = 0  # a clock may be put back

    def give_up(self, why: str, now_s: float) -> None:
        """Tell that the goal that is collected will not be whole; does nothing where there is none."""
        if not self._pictures:
            return
        missing = [camera for camera in self._cameras if camera not in self._pictures]
        words = (
            f"the goal with stamp {self._stamp_ns} was given up: {why} before {', '.join(missing)} had come; got "
            f"{', '.join(self._pictures)}, expected a picture of each with the same stamp; send all of them again"
        )
        self._finish(self._stamp_ns, now_s)
        self._pictures, self._stamp_ns = {}, self._taken_ns
        self._given_up(words)

    def _whole(self, now_s: float) -> dict[str, T]:
        whole = {camera: self._pictures[camera] for camera in self._cameras}
        self._finish(self._stamp_ns, now_s)
        self._pictures, self._taken_ns = {}, self._stamp_ns
        return whole

    def _finish(self, stamp_ns: int, now_s: float) -> None:
        """What comes of this stamp from now on belongs to a goal that is done with."""
        self._done[stamp_ns] = now_s
        while len(self._done) > REMEMBERED:
            del self._done[next(iter(self._done))]

    def _require_usable(self, camera: str, stamp_ns: int) -> None:
        if camera not in self._cameras:
            raise GoalImageError(f"got a goal of camera '{camera}', expected one of {', '.join(self._cameras)}")
        if stamp_ns <= 0:
            raise GoalImageError(
                f"the goal of camera '{camera}' has stamp {stamp_ns}, expected one above 0 that the pictures of all "
                "cameras share; set it in the header"
            )
