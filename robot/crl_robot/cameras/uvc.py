"""USB cameras through OpenCV and V4L2: what is asked of the driver, what it took, and when each frame was captured.

The behaviour of OpenCV that this relies on is in its modules/videoio/src/cap_v4l.cpp: POS_MSEC is the V4L2 buffer's
timestamp, and the controls are passed on in the driver's own units.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np

from crl_robot.contracts import Frame
from crl_robot.errors import CameraError

OLDEST_S = 2.0
"""A buffer's timestamp further back is on another clock than ours; the driver keeps at most four frames."""
GRAB_TIMEOUT_S = 2
FROM_DRIVER, FROM_GRAB = "driver (V4L2 buffer timestamp)", "return of grab(), which is later than the capture"

# Control: (property, property of its automatic mode, value for manual, value for automatic); the values are those of
# V4L2's menus (exposure_auto: 1 manual, 3 aperture priority).
_CONTROLS = {
    "exposure": (cv2.CAP_PROP_EXPOSURE, cv2.CAP_PROP_AUTO_EXPOSURE, 1, 3),
    "gain": (cv2.CAP_PROP_GAIN, None, 0, 0),
    "white_balance": (cv2.CAP_PROP_WB_TEMPERATURE, cv2.CAP_PROP_AUTO_WB, 0, 1),
    "focus": (cv2.CAP_PROP_FOCUS, cv2.CAP_PROP_AUTOFOCUS, 0, 1),
}


class Capture(Protocol):
    """The part of cv2.VideoCapture that is used."""

    def isOpened(self) -> bool: ...
    def set(self, prop: int, value: float, /) -> bool: ...
    def get(self, prop: int, /) -> float: ...
    def grab(self) -> bool: ...
    def retrieve(self) -> tuple[bool, Any]: ...
    def release(self) -> None: ...


@dataclass(frozen=True)
class UvcSettings:
    """What is asked of a USB camera.

    Attributes:
        device: a path such as /dev/v4l/by-id/usb-..., which survives replugging, or a number.
        size: (width, height) in pixels; another one is refused.
        fps: frames a second.
        fourcc: pixel format; MJPG, because uncompressed video of two cameras does not fit one USB 2 bus.
        exposure: in the driver's unit, for UVC 0.1 ms; None: automatic.
        gain: in the driver's unit; None: as it is.
        white_balance: kelvin; None: automatic.
        focus: in the driver's unit; None: automatic. A calibration holds for one focus.
    """

    device: str = "0"
    size: tuple[int, int] = (640, 480)
    fps: float = 30.0
    fourcc: str = "MJPG"
    exposure: float | None = None
    gain: float | None = None
    white_balance: float | None = None
    focus: float | None = None

    def __post_init__(self) -> None:
        if len(self.fourcc) != 4 or min(self.size) < 1 or not self.fps > 0:
            raise CameraError(
                f"fourcc={self.fourcc!r} size={self.size} fps={self.fps}, expected four letters such as MJPG, "
                "(width, height) in pixels, and a rate above 0"
            )


def open_v4l2(device: str) -> Capture:
    """The driver's capture for a path or a number."""
    # The default of 10 s would keep the capture thread from noticing anything else; read by OpenCV at its first wait.
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(GRAB_TIMEOUT_S))
    return cv2.VideoCapture(int(device) if device.isdigit() else device, cv2.CAP_V4L2)


class UvcDevice:
    """One connection to a USB camera.

    Args:
        clock_ns: clock of the stamps.
        open_capture: makes the driver's capture.
        monotonic_ns: CLOCK_MONOTONIC, the clock of V4L2's timestamps.

    Raises:
        CameraError: it cannot be opened, or gives another size.
    """

    def __init__(
        self,
        settings: UvcSettings,
        clock_ns: Callable[[], int] = time.time_ns,
        open_capture: Callable[[str], Capture] = open_v4l2,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._settings, self._clock_ns, self._monotonic_ns = settings, clock_ns, monotonic_ns
        self.size = settings.size
        self.stamp_source = FROM_DRIVER
        self.lost = 0
        self._capture = open_capture(settings.device)
        try:
            self.remarks = self._configure()
        except CameraError:
            self._capture.release()
            raise

    def next(self) -> Frame | None:
        """Wait for the next frame; None when its JPEG is damaged. Raises CameraError when the camera is gone."""
        if not self._capture.grab():
            raise CameraError(
                f"USB camera {self._settings.device} gave none within {GRAB_TIMEOUT_S} s; is it still connected?"
            )
        now_ns = self._clock_ns()
        stamp_ns = now_ns - self._age_ns()
        done, image = self._capture.retrieve()
        if not done or image is None or image.shape != (self.size[1], self.size[0], 3):
            return None
        return Frame(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8), stamp_ns, now_ns)

    def close(self) -> None:
        """Release the device."""
        self._capture.release()

    def _age_ns(self) -> int:
        """How long ago the grabbed frame was captured; 0 where the driver does not say it on a clock of ours."""
        if self.stamp_source == FROM_GRAB:
            return 0
        captured_ns = round(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
        age_ns = self._monotonic_ns() - captured_ns
        if captured_ns > 0 and -1_000_000 <= age_ns <= OLDEST_S * 1e9:
            return max(0, age_ns)
        self.stamp_source = FROM_GRAB  # for the whole connection: two sources in turn would not give a steady series
        return 0

    def _configure(self) -> tuple[str, ...]:
        settings, capture = self._settings, self._capture
        if not capture.isOpened():
            raise CameraError(
                f"USB camera {settings.device} cannot be opened; is it connected, does no other program use it, and "
                "may this user read it (group video)? `v4l2-ctl --list-devices` lists cameras"
            )
        # The controls come last: each of the first four starts the stream anew.
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*settings.fourcc))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, settings.size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.size[1])
        capture.set(cv2.CAP_PROP_FPS, settings.fps)
        size = (round(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), round(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)))
        if size != settings.size:
            raise CameraError(
                f"USB camera {settings.device} gives {size[0]}x{size[1]} pixels, asked for {settings.size[0]}x"
                f"{settings.size[1]}; use a size that `v4l2-ctl -d {settings.device} --list-formats-ext` lists"
            )
        remarks = [*self._format_remarks()]
        for name in _CONTROLS:
            remarks += self._set_control(name, getattr(settings, name))
        return tuple(remarks)

    def _format_remarks(self) -> list[str]:
        settings, capture = self._settings, self._capture
        remarks = []
        fourcc = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little", signed=True).decode("latin-1")
        if fourcc != settings.fourcc:
            remarks.append(f"format is {fourcc}, asked for {settings.fourcc}")
        fps = capture.get(cv2.CAP_PROP_FPS)
        if abs(fps - settings.fps) > 0.02 * settings.fps:
            remarks.append(f"fps is {fps:g}, asked for {settings.fps:g}")
        return remarks

    def _set_control(self, name: str, wanted: float | None) -> list[str]:
        """Lock a control at a value, or hand it to the camera; returns what the driver did not take."""
        capture = self._capture
        value_property, mode_property, manual, automatic = _CONTROLS[name]
        if mode_property is not None:
            capture.set(mode_property, automatic if wanted is None else manual)
        if wanted is None:
            return []
        capture.set(value_property, wanted)
        got = capture.get(value_property)
        remarks = [] if abs(got - wanted) <= 0.5 else [f"{name} is {got:g}, asked for {wanted:g}"]
        if mode_property is not None and capture.get(mode_property) != manual:
            remarks.append(f"{name} stays automatic")
        return remarks
