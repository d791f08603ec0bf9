"""The newest frame of a camera, handed from the thread that takes frames in to those that use them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from crl_robot.contracts import Frame
from crl_robot.errors import CameraError


class NewestFrame:
    """Holds one frame; a newer one replaces it, whether it was used or not.

    An old frame is never given out as a new one: after `lose`, or ``max_age_s`` after the last `put`, there is none.

    Args:
        name: of the camera, for messages.
        max_age_s: how long after its arrival a frame still counts.
        clock: monotonic seconds.
    """

    def __init__(self, name: str, max_age_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._name, self._max_age_s, self._clock = name, max_age_s, clock
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._number = 0
        self._put_at = clock()
        self._reason = "has given no frame yet"

    @property
    def number(self) -> int:
        """Frames put so far, which is the number of the newest."""
        return self._number

    @property
    def silent_s(self) -> float:
        """Seconds since the last frame was put, or since the start."""
        return self._clock() - self._put_at

    def put(self, frame: Frame) -> None:
        """Replace the frame and wake who waits for one."""
        with self._changed:
            self._frame, self._put_at = frame, self._clock()
            self._number += 1
            self._changed.notify_all()

    def lose(self, reason: str) -> None:
        """From now on there is no frame; ``reason`` follows the camera's name in the error."""
        with self._changed:
            self._frame, self._reason = None, reason
            self._changed.notify_all()

    def read(self) -> Frame:
        """The newest frame. Raises CameraError when there is none, or it came too long ago."""
        with self._changed:
            if self._frame is None:
                raise CameraError(f"camera '{self._name}' {self._reason}")
            if self.silent_s > self._max_age_s:
                raise CameraError(
                    f"camera '{self._name}' gave its last frame {self.silent_s:.1f} s ago, expected one every "
                    f"{self._max_age_s:g} s or sooner; check its cable, and that the computer keeps up"
                )
            return self._frame

    def wait_next(self, after: int, timeout_s: float) -> tuple[int, Frame] | None:
        """Number and frame of the newest once its number is above ``after``; None when none comes in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._number > after and self._frame is not None, timeout_s)
            if self._frame is None or self._number <= after:
                return None
            return self._number, self._frame
