"""Frames as a camera sees them: a smooth coloured scene with edges, something that moves, and noise of the sensor.

They compress as real frames do: noise with a standard deviation of 2 leaves lossless coders little, and JPEG at quality
95 gets about 42 dB.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SIGMA = 2.0
BOXES = 14
_NOISE_ROWS = 16
"""Frames' worth of noise that is drawn; each frame takes a stretch of it that begins anywhere."""


def camera_frames(count: int, size: int, seed: int, sigma: float = SIGMA) -> NDArray[np.uint8]:
    """uint8 (count, size, size, 3) RGB of one still camera; the same seed gives the same frames."""
    rng = np.random.default_rng(seed)
    scene = _scene(size, rng)
    noise = rng.normal(0, sigma, _NOISE_ROWS * scene.size).astype(np.float32)
    frames = np.empty((count, size, size, 3), np.uint8)
    for step in range(count):
        frame = scene.copy()
        centre = (int(size * (0.5 + 0.3 * np.cos(step / 9))), int(size * (0.5 + 0.3 * np.sin(step / 13))))
        cv2.circle(frame, centre, size // 10, (220, 40, 30), -1, cv2.LINE_AA)
        start = int(rng.integers(len(noise) - scene.size))
        frame += noise[start : start + scene.size].reshape(scene.shape)
        np.clip(np.rint(frame), 0, 255, out=frame)
        frames[step] = frame
    return frames


def episode_frames(frames: NDArray[np.uint8], episode: int) -> NDArray[np.uint8]:
    """Another episode's frames (T, H, W, 3): the given ones, moved sideways by one pixel for each episode before it."""
    return np.roll(frames, episode, axis=2)


def _scene(size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    coarse = rng.uniform(80, 160, (3, 3, 3)).astype(np.float32)
    scene = np.asarray(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC), np.float32)
    for _ in range(BOXES):
        x, y = (int(v) for v in rng.integers(0, size, 2))
        width, height = (int(v) for v in rng.integers(size // 16, size // 5 + 1, 2))
        cv2.rectangle(scene, (x, y), (x + width, y + height), rng.uniform(20, 235, 3).tolist(), -1)
    return scene
