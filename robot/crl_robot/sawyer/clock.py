"""The robot's clock against ours, from one-way messages only.

The stamps of Sawyer's messages are of its own clock, and rosbridge offers no way to ask for it (its time service tells
the time of the machine where rosbridge runs). The offset is therefore taken from the fastest message of the last
seconds: receive time - stamp is the offset plus the transport delay, and its smallest value has the smallest delay.
Every age is too small by that smallest delay, which cannot be measured from here.
"""

from __future__ import annotations

from collections import deque

from crl_robot.errors import ArmError


class ClockOffset:
    """Our clock minus the robot's, as the smallest receive time - stamp of the last ``window_s`` seconds."""

    def __init__(self, window_s: float = 20.0) -> None:
        self._window_ns = round(window_s * 1e9)
        self._smallest: deque[tuple[int, int]] = deque()
        self._source_ns: int | None = None

    @property
    def offset_ns(self) -> int:
        """What to add to a stamp of the robot; 0 before the first message."""
        return self._smallest[0][1] if self._smallest else 0

    def add(self, source_ns: int, receive_ns: int) -> None:
        """Note one message. Raises ArmError when the robot's clock did not go on since the one before."""
        if self._source_ns is not None and source_ns <= self._source_ns:
            raise ArmError(
                f"a joint reading is stamped {(self._source_ns - source_ns) / 1e9:.3f} s before the one that came "
                "earlier: the robot's clock was set back, or messages arrive out of order; connect again"
            )
        self._source_ns = source_ns
        while self._smallest and receive_ns - self._smallest[0][0] > self._window_ns:
            self._smallest.popleft()
        difference = receive_ns - source_ns
        while self._smallest and self._smallest[-1][1] >= difference:
            self._smallest.pop()
        self._smallest.append((receive_ns, difference))
