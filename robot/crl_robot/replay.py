"""Cameras that show prerecorded frames again, with true stamps: for benches, and for trying things without hardware."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from crl_robot.contracts import Frame
from crl_robot.errors import CameraError

NOISE_SIGMA = 2.0
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
_STRETCHES = 8
"""Frames' worth of noise that is drawn; each frame takes a stretch of it that begins anywhere."""


class ReplayCamera:
    """A `Camera` that shows frames in turn, for ever; the stamp is the moment at which it was asked.

    Args:
        frames: uint8 (N, H, W, 3) RGB, kept in memory.
        clock_ns: the clock of the stamps.
    """

    def __init__(self, name: str, frames: NDArray[np.uint8], clock_ns: Callable[[], int]) -> None:
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3 or not len(frames):
            raise CameraError(f"frames are {frames.dtype} {frames.shape}, expected uint8 (N, H, W, 3) with N above 0")
        self._name, self._size = name, (frames.shape[2], frames.shape[1])
        self._frames = itertools.cycle(frames)
        self._clock_ns = clock_ns

    @property
    def name(self) -> str:
        return self._name

    @property
    def size(self) -> tuple[int, int]:
        return self._size

    def read(self) -> Frame:
        """The next frame."""
        stamp_ns = self._clock_ns()
        return Frame(next(self._frames), stamp_ns, stamp_ns)

    def close(self) -> None:
        """Nothing is open."""


def load_frames(source: str, size: tuple[int, int], count: int, seed: int = 0) -> NDArray[np.uint8]:
    """Up to ``count`` frames uint8 (N, H, W, 3) RGB of ``size`` (width, height).

    Args:
        source: 'noise', a folder of pictures in the order of their names, or a video file; those are resized.
        seed: of the noise.

    Raises:
        CameraError: there is nothing to show.
    """
    if source == "noise":
        return noise_frames(size, count, seed)
    path = Path(source)
    images = pictures(path) if path.is_dir() else video_frames(path)
    frames = [cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in itertools.islice(images, count)]
    if not frames:
        raise CameraError(f"{path} has no pictures ({', '.join(_PICTURES)}); expected at least one")
    return np.stack(frames).astype(np.uint8)


def noise_frames(size: tuple[int, int], count: int, seed: int) -> NDArray[np.uint8]:
    """A still scene in which a square moves, with the noise of a sensor (standard deviation 2).

    The same seed gives the same frames.
    """
    rng = np.random.default_rng(seed)
    width, height = size
    corners = rng.uniform(60, 190, (3, 4, 3)).astype(np.float32)
    scene = np.asarray(cv2.resize(corners, size, interpolation=cv2.INTER_CUBIC), np.float32)
    noise = rng.normal(0, NOISE_SIGMA, _STRETCHES * scene.size).astype(np.float32)
    frames = np.empty((count, height, width, 3), np.uint8)
    side = max(1, height // 6)
    for index in range(count):
        frame, x = scene.copy(), index * max(1, width // 100) % max(1, width - side)
        frame[height // 2 : height // 2 + side, x : x + side] = (200, 60, 40)
        start = int(rng.integers(noise.size - scene.size))
        frames[index] = np.clip(frame + noise[start : start + scene.size].reshape(scene.shape), 0, 255)
    return frames


def pictures(folder: Path) -> Iterator[NDArray[np.uint8]]:
    """The pictures of a folder in the order of their names, uint8 (H, W, 3) RGB. Raises CameraError."""
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in _PICTURES:
            image = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if image is None:
                raise CameraError(f"{path} is no picture that can be read; remove it or export it again")
            yield np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def video_frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    """The frames of a video, uint8 (H, W, 3) RGB. Raises CameraError when it cannot be read."""
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                yield frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
    except (OSError, FFmpegError, IndexError) as error:
        raise CameraError(f"{path} is no video that can be read: {error}; expected a video or a folder") from error
