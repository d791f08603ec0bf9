"""Where live pictures come from without ROS: an image file, or a USB camera."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from crl_robot.cameras.kinds import CameraConfig, open_camera
from crl_robot.cameras.live import LiveCamera
from crl_robot.errors import CameraError

Image = NDArray[np.uint8]

_WARM_UP = 10
"""Frames that a camera is given to find its exposure."""
_PATIENCE_S = 3.0
"""How long it may take for them; a camera that gives none has no picture."""


def read_picture(path: Path) -> Image:
    """uint8 (H, W, 3) RGB of an image file. Raises CameraError when it cannot be read."""
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise CameraError(f"{path} cannot be read: {error}; name an image file") from error
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if image is None:
        raise CameraError(f"{path} is not an image; expected PNG, JPEG or another kind that OpenCV reads")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def file_pictures(path: Path, every_s: float) -> Iterator[Image]:
    """The picture in a file, read again every so many seconds. Raises CameraError."""
    while True:
        yield read_picture(path)
        time.sleep(every_s)


def device_pictures(device: str, size: tuple[int, int], every_s: float) -> Iterator[Image]:
    """The newest picture of a USB camera, every so many seconds, with what it adapts to the light left automatic.

    Args:
        device: its path or number.
        size: native (width, height) in pixels; a camera that gives another one is refused.
        every_s: seconds between two pictures.

    Raises:
        CameraError: it cannot be opened, or has no picture.
    """
    with _quiet(), closing(open_camera(CameraConfig("live", "uvc", device, size))) as camera:
        _warm_up(camera)
        while True:
            yield camera.read().image
            time.sleep(every_s)


@contextmanager
def _quiet() -> Iterator[None]:
    """OpenCV prints lines of its own about a camera that is missing; the CameraError says what is of use."""
    before = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(before)


def _warm_up(camera: LiveCamera) -> None:
    until, number = time.monotonic() + _PATIENCE_S, 0
    while number < _WARM_UP and time.monotonic() < until:
        found = camera.wait_next(number, _PATIENCE_S)
        number = found[0] if found else number
