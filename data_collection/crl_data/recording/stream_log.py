"""What is remembered of each message of a stream while an episode is recorded: enough to judge it afterwards."""

from __future__ import annotations

import zlib
from collections import deque

import numpy as np
from numpy.typing import NDArray

from crl_data.growing import GrowingArray

_SPARSE = 8
"""Every n-th pixel of every n-th row goes into a mark: sensor noise changes some of them in every frame."""

_WINDOW_NS = 2_000_000_000


def frame_mark(image: NDArray[np.uint8]) -> int:
    """A number that is the same for the same uint8 (H, W, 3) image, and different for another but by rare chance."""
    return zlib.crc32(np.ascontiguousarray(image[::_SPARSE, ::_SPARSE]).data)


class StreamLog:
    """Stamps of one stream, and a mark of each frame; grows by 20 bytes a message."""

    def __init__(self) -> None:
        self._stamps = GrowingArray(np.int64)
        self._received = GrowingArray(np.int64)
        self._marks = GrowingArray(np.uint32)

    def __len__(self) -> int:
        return len(self._stamps)

    def add(self, stamp_ns: int, receive_stamp_ns: int | None, mark: int = 0) -> None:
        """Note one message; ``receive_stamp_ns`` is None where it did not travel."""
        self._stamps.append(stamp_ns)
        if receive_stamp_ns is not None:
            self._received.append(receive_stamp_ns)
        self._marks.append(mark)

    @property
    def stamp_ns(self) -> NDArray[np.int64]:
        """(N,) stamps of the source."""
        return self._stamps.array()

    @property
    def receive_stamp_ns(self) -> NDArray[np.int64]:
        """(N,) stamps of arrival; empty unless every message had one."""
        received = self._received.array()
        return received if len(received) == len(self) else received[:0]

    @property
    def marks(self) -> NDArray[np.uint32]:
        """(N,) marks, zeros where none were given."""
        return self._marks.array()


class RateMeter:
    """The rate of a stream over the last two seconds."""

    def __init__(self) -> None:
        self._arrivals: deque[int] = deque(maxlen=1000)

    def add(self, receive_stamp_ns: int) -> None:
        """Note one arrival."""
        self._arrivals.append(receive_stamp_ns)

    def rate_hz(self, now_ns: int) -> float:
        """Messages a second until now; 0 when nothing came for two seconds."""
        while self._arrivals and not 0 <= now_ns - self._arrivals[0] <= _WINDOW_NS:
            self._arrivals.popleft()
        if len(self._arrivals) < 2:
            return 0.0
        span_ns = max(now_ns, self._arrivals[-1]) - self._arrivals[0]
        return 1e9 * (len(self._arrivals) - 1) / max(1, span_ns)
