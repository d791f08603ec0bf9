"""Prerecorded pictures at their own rate: a video file, a folder of pictures, or noise."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from crl_robot.cameras.device import CameraOver
from crl_robot.contracts import Frame
from crl_robot.errors import CameraError
from crl_robot.replay import noise_frames, pictures, video_frames
from crl_robot.schedule import Schedule

NOISE = "noise"
NOISE_FRAMES = 30
NOISE_SIZE = (640, 480)
DEFAULT_FPS = 30.0

Images = Iterator[NDArray[np.uint8]]


@dataclass(frozen=True)
class FilmSettings:
    """What is shown.

    Attributes:
        source: a video file, a folder of pictures in the order of their names, or 'noise'.
        size: (width, height) that the pictures must have; None: that of the first.
        fps: frames a second; 0: the video's own, or 30.
        loop: begin again at the end.
        seed: of the noise.
    """

    source: str
    size: tuple[int, int] | None = None
    fps: float = 0.0
    loop: bool = True
    seed: int = 0


class FilmDevice:
    """Shows the pictures on an absolute schedule; the stamp of each is the moment at which it is shown.

    Each is decoded before it is due. When decoding takes longer than a period, the pictures come late, none is left
    out, and `lost` counts the periods without one.

    Args:
        clock_ns: clock of the stamps.
        make_schedule: makes the schedule from the period in seconds.

    Raises:
        CameraError: there is nothing to show, or it has another size.
    """

    stamp_source = "the moment at which a recorded picture is shown"
    remarks: tuple[str, ...] = ()

    def __init__(
        self,
        settings: FilmSettings,
        clock_ns: Callable[[], int] = time.time_ns,
        make_schedule: Callable[[float], Schedule] = Schedule,
    ) -> None:
        self._settings, self._clock_ns = settings, clock_ns
        self._images = _shown(settings)
        first = next(self._images, None)
        if first is None:
            raise CameraError(
                f"{settings.source} holds no picture that can be shown; name a video or a folder of pictures"
            )
        self.size = (first.shape[1], first.shape[0])
        if settings.size not in (None, self.size):
            raise CameraError(f"{settings.source} has {self.size} pixels, expected {settings.size}")
        self._images = itertools.chain([first], self._images)
        self._schedule = make_schedule(1.0 / (settings.fps or _own_fps(settings.source)))

    @property
    def lost(self) -> int:
        """Periods in which no picture could be shown."""
        return self._schedule.stats.missed

    def next(self) -> Frame:
        """Wait until the next picture is due. Raises CameraOver after the last, CameraError when one is unfit."""
        image = next(self._images, None)
        if image is None:
            raise CameraOver(f"all of {self._settings.source} has been shown")
        if image.shape != (self.size[1], self.size[0], 3):
            raise CameraOver(f"a picture of {self._settings.source} is {image.shape}, the first had {self.size} pixels")
        self._schedule.wait()
        stamp_ns = self._clock_ns()
        return Frame(image, stamp_ns, stamp_ns)

    def close(self) -> None:
        """Let the file go."""
        self._images = iter(())


def _shown(settings: FilmSettings) -> Images:
    rounds = itertools.repeat(None) if settings.loop else iter([None])
    if settings.source == NOISE:
        frames = noise_frames(settings.size or NOISE_SIZE, NOISE_FRAMES, settings.seed)
        yield from itertools.chain.from_iterable(frames for _ in rounds)
        return
    path = Path(settings.source)
    for _ in rounds:
        shown = 0
        for image in pictures(path) if path.is_dir() else video_frames(path):
            shown += 1
            yield image
        if not shown:
            return


def _own_fps(source: str) -> float:
    if source == NOISE or Path(source).is_dir():
        return DEFAULT_FPS
    try:
        with av.open(source) as container:
            rate = container.streams.video[0].average_rate
    except (OSError, FFmpegError, IndexError) as error:
        raise CameraError(f"{source} is no video that can be read: {error}; expected a video or a folder") from error
    return float(rate) if rate else DEFAULT_FPS
