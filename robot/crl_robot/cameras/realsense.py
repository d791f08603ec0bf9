"""The colour stream of an Intel RealSense camera through the vendor's pyrealsense2, imported only when used."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from crl_robot.contracts import Frame
from crl_robot.errors import CameraError

TIMEOUT_MS = 2000
OLDEST_S = 2.0
FROM_DEVICE = "device clock, mapped to this computer's (global time)"
FROM_ARRIVAL = "arrival: the camera gives no time on this computer's clock"


@dataclass(frozen=True)
class RealSenseSettings:
    """What is asked of a RealSense camera.

    Attributes:
        serial: its serial number; empty: the first that is found.
        size: (width, height) in pixels of the colour stream.
        fps: frames a second, a whole number.
        exposure: in the driver's unit; None: automatic.
        gain: in the driver's unit; None: as it is.
        white_balance: kelvin; None: automatic.
    """

    serial: str = ""
    size: tuple[int, int] = (640, 480)
    fps: float = 30.0
    exposure: float | None = None
    gain: float | None = None
    white_balance: float | None = None


def load_sdk() -> Any:
    """The module pyrealsense2. Raises CameraError that says what to install."""
    try:
        return importlib.import_module("pyrealsense2")
    except ImportError as error:
        raise CameraError(
            "a RealSense camera needs the package pyrealsense2; install it with `pip install pyrealsense2`"
        ) from error


class RealSenseDevice:
    """One connection to a RealSense camera.

    Args:
        clock_ns: clock of the stamps.
        sdk: the module pyrealsense2.
        system_ns: nanoseconds since the epoch, the clock of the camera's global time.

    Raises:
        CameraError: it is not there, is in use, or has no such stream.
    """

    def __init__(
        self,
        settings: RealSenseSettings,
        clock_ns: Callable[[], int] = time.time_ns,
        sdk: Any = None,
        system_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._sdk = load_sdk() if sdk is None else sdk
        self._settings, self._clock_ns, self._system_ns = settings, clock_ns, system_ns
        self.size = settings.size
        self.stamp_source = FROM_DEVICE
        self.lost = 0
        self._number: int | None = None
        self._pipeline = self._sdk.pipeline()
        try:
            profile = self._pipeline.start(self._config())
        except RuntimeError as error:
            which = f"RealSense camera {settings.serial}" if settings.serial else "RealSense camera"
            raise CameraError(
                f"no {which} can be started with {settings.size[0]}x{settings.size[1]} colour at {settings.fps:g} Hz: "
                f"{error}; `rs-enumerate-devices` lists cameras and streams"
            ) from error
        self.remarks = self._set_options(profile)

    def next(self) -> Frame | None:
        """Wait for the next colour frame. Raises CameraError when none comes."""
        try:
            colour = self._pipeline.wait_for_frames(TIMEOUT_MS).get_color_frame()
        except RuntimeError as error:
            raise CameraError(f"the RealSense camera gave none: {error}; is it still connected?") from error
        if not colour:
            return None
        now_ns = self._clock_ns()
        stamp_ns = now_ns - self._age_ns(colour)
        number = int(colour.get_frame_number())
        self.lost += max(0, number - self._number - 1) if self._number is not None else 0
        self._number = number
        image = np.array(colour.get_data(), np.uint8)  # a copy: the SDK uses its buffer again
        return Frame(image, stamp_ns, now_ns) if image.shape == (self.size[1], self.size[0], 3) else None

    def close(self) -> None:
        """Stop the stream."""
        try:
            self._pipeline.stop()
        except RuntimeError:
            return  # the SDK refuses to stop what a pulled cable stopped already

    def _config(self) -> Any:
        config = self._sdk.config()
        if self._settings.serial:
            config.enable_device(self._settings.serial)
        width, height = self._settings.size
        stream, pixels = self._sdk.stream.color, self._sdk.format.rgb8
        config.enable_stream(stream, width, height, pixels, round(self._settings.fps))
        return config

    def _age_ns(self, colour: Any) -> int:
        """How long ago the frame was captured; 0 where the camera does not say it on this computer's clock."""
        if colour.get_frame_timestamp_domain() == self._sdk.timestamp_domain.global_time:
            age_ns = self._system_ns() - round(colour.get_timestamp() * 1e6)
            if -5_000_000 <= age_ns <= OLDEST_S * 1e9:
                self.stamp_source = FROM_DEVICE
                return max(0, age_ns)
        self.stamp_source = FROM_ARRIVAL
        return 0

    def _set_options(self, profile: Any) -> tuple[str, ...]:
        option, settings = self._sdk.option, self._settings
        try:
            sensor = profile.get_device().first_color_sensor()
        except RuntimeError:
            return ("the device has no colour sensor of its own: no option was set",)
        wanted = {"global_time_enabled": 1.0}
        for name in ("exposure", "white_balance"):
            value = getattr(settings, name)
            wanted[f"enable_auto_{name}"] = float(value is None)
            wanted |= {} if value is None else {name: value}
        wanted |= {} if settings.gain is None else {"gain": settings.gain}
        remarks = []
        for name, value in wanted.items():
            got = _set_option(sensor, getattr(option, name), value)
            if got is None or abs(got - value) > 0.5:
                remarks.append(f"{name} is {'not settable' if got is None else f'{got:g}'}, asked for {value:g}")
        return tuple(remarks)


def _set_option(sensor: Any, option: Any, value: float) -> float | None:
    """Set one option; returns what the device has then, None when it does not have it or refuses."""
    try:
        if not sensor.supports(option):
            return None
        sensor.set_option(option, value)
        return float(sensor.get_option(option))
    except RuntimeError:
        return None
