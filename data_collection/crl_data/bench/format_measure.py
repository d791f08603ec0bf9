"""The measurements that each format goes through, in numbers."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crl_data.bench.camera_frames import camera_frames, episode_frames
from crl_data.bench.data_formats import THREADS, Format, Frames
from crl_data.serving.gather import Gather
from crl_robot.contracts import ACTION_DIM

SIZE, LOAD_SIZE, SMALL_SIZE = 256, 128, 48
BATCH, SMALL_BATCH = 256, 2048
COMPARED = 32
"""Frames that the PSNR is taken over."""

Make = Callable[[Path, int, int], Format]
"""Makes an empty data set from folder, image size in pixels and steps of an episode."""
Draw = Callable[[int], tuple[NDArray[np.int64], NDArray[np.int64]]]
"""Draws a batch: positions of s, each with a frame after it, and of g."""


@dataclass(frozen=True)
class Amount:
    """How much is measured; ``small_frames`` of 48 px are in memory, and each time is the median of ``repeats``."""

    episodes: int = 20
    steps: int = 200
    small_frames: int = 100_000
    repeats: int = 7
    seed: int = 0

    @property
    def frames(self) -> int:
        """Frames of all episodes."""
        return self.episodes * self.steps

    def draws(self, size: int, frames: int) -> Draw:
        """Batches of ``size`` of ``frames`` frames; the same ones for each format."""
        rng = np.random.default_rng(self.seed)
        return lambda _: (rng.integers(0, frames - 1, size), rng.integers(0, frames, size))


def measure_disk(make: Make, folder: Path, amount: Amount) -> dict[str, float | None]:
    """Writing, size, error and a batch from the disk at 256 px, and loading at 128 px; the page cache is warm."""
    facts: dict[str, float | None] = {}
    base = camera_frames(amount.steps, SIZE, amount.seed)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        data = make(Path(place), SIZE, amount.steps)
        seconds = _write(data, base, amount)
        size = sum(file.stat().st_size for file in Path(place).rglob("*") if file.is_file())
        facts |= {"write_frames_per_s": amount.frames / seconds}
        facts |= {"size_ratio": size / (amount.episodes * base.nbytes), "psnr_db": _psnr(data, base, amount)}
        facts["batch_disk_ms"] = _disk_batch_ms(data, amount)
        data.close()
    with tempfile.TemporaryDirectory(dir=folder) as place:
        data = make(Path(place), LOAD_SIZE, amount.steps)
        _write(data, camera_frames(amount.steps, LOAD_SIZE, amount.seed), amount)
        facts["load_frames_per_s"] = amount.frames / statistics.median(timed(data.load) for _ in range(3))
        data.close()
    return facts


def measure_memory(amount: Amount) -> dict[str, dict[str, float]]:
    """A batch of 256 at 256 px and one of 2,048 at 48 px from memory: by our gather, by numpy's indexing, and as copy.

    The last is a plain copy of as many bytes from one place to another: what the memory of this machine allows.
    """
    base = camera_frames(amount.steps, SIZE, amount.seed)
    large = np.concatenate([episode_frames(base, episode) for episode in range(amount.episodes)])
    small = camera_frames(amount.steps, SMALL_SIZE, amount.seed)[np.arange(amount.small_frames) % amount.steps]
    facts: dict[str, dict[str, float]] = {"gather": {}, "numpy": {}, "copy": {}}
    for key, images, size in (("batch_memory_ms", large, BATCH), ("batch_small_ms", small, SMALL_BATCH)):
        for name, way in {"gather": _by_gather, "numpy": _by_numpy, "copy": _by_copy}.items():
            facts[name][key] = _median_ms(way(images, size), amount.draws(size, len(images)), amount.repeats)
    return facts


def timed(work: Callable[[], object]) -> float:
    """Seconds that ``work`` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _write(data: Format, base: Frames, amount: Amount) -> float:
    """Seconds for all episodes; making the frames is not counted."""
    rng = np.random.default_rng(amount.seed)
    seconds = 0.0
    for episode in range(amount.episodes):
        images = episode_frames(base, episode)
        states, actions = rng.uniform(-0.05, 0.05, (2, amount.steps, ACTION_DIM)).astype(np.float32)
        start = time.perf_counter()
        data.write(episode, images, states, actions)
        seconds += time.perf_counter() - start
    return seconds + timed(data.finish)


def _psnr(data: Format, base: Frames, amount: Amount) -> float | None:
    """In dB; None where nothing was lost."""
    indices = np.random.default_rng(amount.seed).integers(0, amount.frames, COMPARED)
    got = np.empty((COMPARED, *base.shape[1:]), np.uint8)
    data.frames(indices, got)
    wanted = [np.roll(base[i % amount.steps], i // amount.steps, axis=1) for i in indices]
    error = float(np.mean((got.astype(np.float32) - np.stack(wanted)) ** 2))
    return 10 * float(np.log10(255**2 / error)) if error else None


def _disk_batch_ms(data: Format, amount: Amount) -> float:
    out = np.zeros((3 * BATCH, SIZE, SIZE, 3), np.uint8)

    def batch(state: NDArray[np.int64], goal: NDArray[np.int64]) -> None:
        data.frames(np.concatenate([state, state + 1, goal]), out)

    return _median_ms(batch, amount.draws(BATCH, amount.frames), amount.repeats)


Batch = Callable[[NDArray[np.int64], NDArray[np.int64]], object]


def _by_gather(images: Frames, size: int) -> Batch:
    gather, actions = Gather(THREADS), np.zeros((len(images), ACTION_DIM), np.float32)
    pairs = np.zeros((size, 2, *images.shape[1:]), np.uint8)
    goals = np.zeros((size, *images.shape[1:]), np.uint8)
    return lambda state, goal: (gather.transitions(images, state, goal, pairs, goals), actions[state])


def _by_numpy(images: Frames, size: int) -> Batch:
    actions = np.zeros((len(images), ACTION_DIM), np.float32)
    return lambda state, goal: (images[state], actions[state], images[state + 1], images[goal])


def _by_copy(images: Frames, size: int) -> Batch:
    gather, rows = Gather(THREADS), np.arange(3 * size) % len(images)
    out = np.zeros((3 * size, *images.shape[1:]), np.uint8)
    return lambda state, goal: gather.take(images, rows, out)


def _median_ms(batch: Batch, draw: Draw, repeats: int) -> float:
    batch(*draw(0))  # the first one meets pages that nobody touched yet
    drawn = [draw(number) for number in range(repeats)]
    return 1e3 * statistics.median(timed(lambda both=both: batch(*both)) for both in drawn)
