"""A camera whose device is read by a thread of its own: always the newest frame, and back again after an unplug."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable

from crl_robot.cameras.device import CameraHealth, CameraOver, Device
from crl_robot.cameras.newest import NewestFrame
from crl_robot.contracts import Frame
from crl_robot.errors import CameraError

logger = logging.getLogger(__name__)

MAX_AGE_S = 0.5
FIRST_RETRY_S, LAST_RETRY_S = 0.2, 5.0
JOIN_S = 3.0
"""Above the 2 s for which a driver may keep the capture thread waiting for a frame."""


class LiveCamera:
    """A `Camera` over any `Device`.

    While the device is away `read` raises CameraError, and it is opened again after waits that double. The device must
    come back with the size that it had.

    Args:
        open_device: makes a connection, or raises CameraError; the first is made here.
        max_age_s: how long after its arrival a frame still counts as the newest.
        retry_s: first and longest wait before the device is opened again.
        notify: told in one line when the device went away, and when it came back.
    """

    def __init__(
        self,
        name: str,
        open_device: Callable[[], Device],
        max_age_s: float = MAX_AGE_S,
        retry_s: tuple[float, float] = (FIRST_RETRY_S, LAST_RETRY_S),
        notify: Callable[[str], object] = logger.warning,
    ) -> None:
        self._name, self._open_device, self._retry_s, self._notify = name, open_device, retry_s, notify
        self._newest = NewestFrame(name, max_age_s)
        self._device: Device = open_device()
        self._size = self._device.size
        self._connected, self._reason = True, ""
        self._damaged = self._unordered = self._reconnects = self._lost_before = 0
        self._last: Frame | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"camera {name}", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        return self._name

    @property
    def size(self) -> tuple[int, int]:
        """Native (width, height) in pixels."""
        return self._size

    @property
    def stamp_source(self) -> str:
        """Where the stamps of the frames come from."""
        return self._device.stamp_source

    def read(self) -> Frame:
        """The newest frame. Raises CameraError while there is none."""
        return self._newest.read()

    def wait_next(self, after: int, timeout_s: float) -> tuple[int, Frame] | None:
        """Number and frame of the newest once its number is above ``after``; None when none comes in time."""
        return self._newest.wait_next(after, timeout_s)

    def health(self) -> CameraHealth:
        """The counts so far."""
        device = self._device
        return CameraHealth(
            connected=self._connected,
            reason=self._reason,
            stamp_source=device.stamp_source,
            remarks=device.remarks,
            captured=self._newest.number,
            damaged=self._damaged,
            unordered=self._unordered,
            lost=self._lost_before + device.lost,
            reconnects=self._reconnects,
        )

    def close(self) -> None:
        """End the thread, which closes the device; may be called again."""
        self._stopping.set()
        self._thread.join(JOIN_S)
        if self._thread.is_alive():
            logger.warning("camera '%s' keeps its driver waiting; it is let go when the process ends", self._name)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._take_in()
                if not (self._stopping.is_set() or self._reopen()):
                    return
        finally:
            self._connected = False
            self._reason = self._reason or "has stopped; its thread's traceback is in the log"
            self._newest.lose(self._reason)

    def _take_in(self) -> None:
        """Take frames in until the device is gone or this camera is closed; closes the device."""
        try:
            while not self._stopping.is_set():
                self._accept(self._device.next())
            self._reason = "is closed"
        except CameraError as error:
            self._reason = f"has no frame: {error}"
            self._newest.lose(self._reason)
            self._connected = False
            if isinstance(error, CameraOver):
                self._stopping.set()
            self._notify(f"camera '{self._name}' {self._reason}")
        finally:
            self._device.close()

    def _accept(self, frame: Frame | None) -> None:
        if frame is None:
            self._damaged += 1
            return
        last = self._last
        if last and frame.stamp_ns <= last.stamp_ns and frame.receive_stamp_ns >= last.receive_stamp_ns:
            self._unordered += 1  # where the receive stamp went back as well, the clock was set: that frame is new
            return
        self._last = frame
        self._newest.put(frame)

    def _reopen(self) -> bool:
        """Try until the device is back; False when this camera was closed meanwhile."""
        first, longest = self._retry_s
        waits = itertools.chain((first * 2**n for n in range(20) if first * 2**n < longest), itertools.repeat(longest))
        while not self._stopping.wait(next(waits)):
            try:
                device = self._same_size(self._open_device())
            except CameraError as error:
                self._reason = f"has no frame: {error}"
                self._newest.lose(self._reason)
                continue
            self._lost_before, self._device = self._lost_before + self._device.lost, device
            self._connected, self._reason = True, ""
            self._reconnects += 1
            self._notify(f"camera '{self._name}' is back")
            return True
        return False

    def _same_size(self, device: Device) -> Device:
        if device.size != self._size:
            device.close()
            raise CameraError(f"the device came back with {device.size} pixels, expected {self._size}; start again")
        return device
