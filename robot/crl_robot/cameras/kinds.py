"""One description for every kind of camera that needs no ROS, and how to open it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from crl_robot.cameras.device import Device
from crl_robot.cameras.film import FilmDevice, FilmSettings
from crl_robot.cameras.live import MAX_AGE_S, LiveCamera
from crl_robot.cameras.realsense import RealSenseDevice, RealSenseSettings
from crl_robot.cameras.uvc import UvcDevice, UvcSettings
from crl_robot.errors import ConfigError, nearest

logger = logging.getLogger(__name__)

KINDS = ("uvc", "realsense", "file")


@dataclass(frozen=True)
class CameraConfig:
    """A camera to open.

    Attributes:
        name: of the camera, and of its topics.
        kind: 'uvc', 'realsense' or 'file'.
        device: uvc: path or number; realsense: serial number or empty; file: video, folder of pictures, or 'noise'.
        size: native (width, height) in pixels; a device that gives another one is refused.
        fps: frames a second.
        fourcc: pixel format of a USB camera.
        exposure, gain, white_balance, focus: in the driver's units; None: automatic.
        loop: whether a film begins again at its end.
        max_age_s: how long after its arrival a frame still counts as the newest.
    """

    name: str
    kind: str = "uvc"
    device: str = "0"
    size: tuple[int, int] = (640, 480)
    fps: float = 30.0
    fourcc: str = "MJPG"
    exposure: float | None = None
    gain: float | None = None
    white_balance: float | None = None
    focus: float | None = None
    loop: bool = True
    max_age_s: float = MAX_AGE_S

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"kind of camera is {self.kind!r}, expected one of {KINDS}; {nearest(self.kind, KINDS)}")
        if self.max_age_s * self.fps < 1:
            raise ConfigError(
                f"max_age_s is {self.max_age_s:g} at {self.fps:g} frames a second, expected at least one period"
            )


def open_camera(
    config: CameraConfig,
    clock_ns: Callable[[], int] = time.time_ns,
    notify: Callable[[str], object] = logger.warning,
) -> LiveCamera:
    """The camera, open and running.

    Args:
        clock_ns: clock of the stamps.
        notify: told when the device went away, and when it came back.

    Raises:
        CameraError: it cannot be opened.
    """
    return LiveCamera(config.name, lambda: open_device(config, clock_ns), config.max_age_s, notify=notify)


def open_device(config: CameraConfig, clock_ns: Callable[[], int]) -> Device:
    """One connection to the camera. Raises CameraError."""
    if config.kind == "file":
        return FilmDevice(FilmSettings(config.device, config.size, config.fps, config.loop), clock_ns)
    locks = {"exposure": config.exposure, "gain": config.gain, "white_balance": config.white_balance}
    if config.kind == "realsense":
        return RealSenseDevice(RealSenseSettings(config.device, config.size, config.fps, **locks), clock_ns)
    settings = UvcSettings(config.device, config.size, config.fps, config.fourcc, focus=config.focus)
    return UvcDevice(replace(settings, **locks), clock_ns)
