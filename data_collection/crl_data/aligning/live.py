"""Where live pictures come from without ROS: an image file, or a camera that the operating system knows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from crl_robot.errors import CameraError

Image = NDArray[np.uint8]

_WARM_UP = 10
"""Frames that a camera is given to find its exposure."""


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


def device_pictures(index: int, size: tuple[int, int], every_s: float) -> Iterator[Image]:
    """The newest picture of a camera of the operating system, every so many seconds.

    Args:
        index: its number, 0 is the first.
        size: (width, height) in pixels to ask it for.
        every_s: seconds between two pictures.

    Raises:
        CameraError: it cannot be opened or gives no picture.
    """
    capture = cv2.VideoCapture(index)
    try:
        if not capture.isOpened():
            raise CameraError(f"camera {index} cannot be opened; is it connected, and does no other program use it?")
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        for _ in range(_WARM_UP):
            _grab(capture, index)
        while True:
            image = _grab(capture, index)
            yield np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
            until = time.monotonic() + every_s
            while time.monotonic() < until:  # the driver queues frames: what is not taken now would be shown late
                _grab(capture, index)
    finally:
        capture.release()


def _grab(capture: cv2.VideoCapture, index: int) -> Image:
    done, image = capture.read()
    if not done:
        raise CameraError(f"camera {index} gives no picture; is it still connected?")
    return np.asarray(image, np.uint8)
