"""LeRobot's side of the store bench: run by an interpreter that has the lerobot package, never imported by ours.

    PYTHON lerobot_peer.py --frames frames.npy --episodes E --steps T --mode image|video --out folder

writes E episodes through LeRobot's own API, reads them back, and puts one JSON object on standard output.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FPS = 5
WRITER_THREADS = 4
"""For image files, as LeRobot's own advice is."""
BATCH = 256
BATCHES = 3
COMPARED = 32
CAMERA = "observation.images.camera"


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=Path, required=True, help="uint8 (T, H, W, 3), frames of one episode")
    parser.add_argument("--episodes", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True, help="frames of each episode, at most T")
    parser.add_argument("--mode", choices=("image", "video"), required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder of the data set, must not exist")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    frames = np.load(arguments.frames)[: arguments.steps]
    if len(frames) < arguments.steps or arguments.out.exists():
        parser.error(
            f"{arguments.frames} has {len(frames)} frames, {arguments.steps} wanted; {arguments.out} must be new"
        )
    with _standard_output_kept() as answer:
        facts = measure(
            frames, arguments.episodes, arguments.mode, arguments.out, np.random.default_rng(arguments.seed)
        )
        answer.write(json.dumps(facts) + "\n")
    return 0


def measure(
    frames: NDArray[np.uint8], episodes: int, mode: str, out: Path, rng: np.random.Generator
) -> dict[str, float | int | str]:
    """Write, then read; ``frames`` are uint8 (T, H, W, 3)."""
    steps = len(frames)
    seconds = _write(frames, episodes, mode, out, rng)
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    data, backend = _open(out, mode)
    batches = [_batch_seconds(data, episodes, steps, rng) for _ in range(BATCHES)]
    return {
        "package": "lerobot",
        "version": _version(),
        "mode": mode,
        "decoder": backend,
        "image_writer_threads": WRITER_THREADS,
        "episodes": episodes,
        "steps": steps,
        "write_frames_per_s": episodes * steps / seconds,
        "bytes": size,
        "size_ratio": size / (episodes * frames.nbytes),
        "psnr_db": _psnr(data, frames, episodes, rng),
        "batch": BATCH,
        "batch_ms": 1e3 * statistics.median(batches),
    }


def episode_frames(frames: NDArray[np.uint8], episode: int) -> NDArray[np.uint8]:
    """The frames of one episode: the given ones, moved sideways by as many pixels as episodes lie before it."""
    return np.roll(frames, episode, axis=2)


def _write(frames: NDArray[np.uint8], episodes: int, mode: str, out: Path, rng: np.random.Generator) -> float:
    """Seconds for all episodes, from the first frame to the last footer."""
    from lerobot.datasets.lerobot_dataset import LeRobotDataset  # pyright: ignore[reportMissingImports]

    features = {
        CAMERA: {"dtype": mode, "shape": frames.shape[1:], "names": ["height", "width", "channels"]},
        "observation.state": {"dtype": "float32", "shape": (7,), "names": None},
        "action": {"dtype": "float32", "shape": (7,), "names": None},
    }
    data = LeRobotDataset.create(
        "local/bench", FPS, features, root=out, use_videos=mode == "video", image_writer_threads=WRITER_THREADS
    )
    seconds = 0.0
    for episode in range(episodes):
        images = episode_frames(frames, episode)
        vectors = rng.normal(size=(len(frames), 2, 7)).astype(np.float32)
        start = time.perf_counter()
        for image, (state, action) in zip(images, vectors, strict=True):
            data.add_frame({CAMERA: image, "observation.state": state, "action": action, "task": "bench"})
        data.save_episode()
        seconds += time.perf_counter() - start
    start = time.perf_counter()
    data.finalize()
    data.stop_image_writer()
    return seconds + time.perf_counter() - start


def _open(out: Path, mode: str) -> tuple[Any, str]:
    """The data set, and the name of the decoder that works here: LeRobot's default needs FFmpeg's own libraries."""
    from lerobot.datasets.lerobot_dataset import LeRobotDataset  # pyright: ignore[reportMissingImports]

    if mode == "image":
        return LeRobotDataset("local/bench", root=out), "png"
    data = LeRobotDataset("local/bench", root=out, video_backend="torchcodec")
    try:
        data[0]
    except (RuntimeError, ImportError):
        return LeRobotDataset("local/bench", root=out, video_backend="pyav"), "pyav"
    return data, "torchcodec"


def _batch_seconds(data: Any, episodes: int, steps: int, rng: np.random.Generator) -> float:
    """Seconds for one batch of (s, a, s', g): a row, the next one, and a later one of the same episode as the goal."""
    now = rng.integers(0, steps - 1, BATCH)
    goal = rng.integers(now + 1, steps)
    first = rng.integers(0, episodes, BATCH) * steps
    start = time.perf_counter()
    for row, later in zip(first + now, first + goal, strict=True):
        before = data[int(row)]
        before["action"].numpy()
        for wanted in (before, data[int(row) + 1], data[int(later)]):
            _pixels(wanted)
    return time.perf_counter() - start


def _psnr(data: Any, frames: NDArray[np.uint8], episodes: int, rng: np.random.Generator) -> float:
    """Of frames drawn from all episodes; infinite where nothing was lost, given as 999."""
    errors = []
    for row in rng.integers(0, episodes * len(frames), COMPARED):
        episode, step = divmod(int(row), len(frames))
        wanted = episode_frames(frames[step : step + 1], episode)[0]
        errors.append(np.mean((_pixels(data[int(row)]).astype(float) - wanted) ** 2))
    mean = float(np.mean(errors))
    return 10 * float(np.log10(255**2 / mean)) if mean else 999.0


def _pixels(row: Mapping[str, Any]) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) of LeRobot's float (3, H, W)."""
    return np.rint(row[CAMERA].numpy().transpose(1, 2, 0) * 255).astype(np.uint8)


def _version() -> str:
    from importlib.metadata import version

    return version("lerobot")


@contextlib.contextmanager
def _standard_output_kept() -> Iterator[Any]:
    """Send what libraries print to standard error, so that standard output holds the answer alone."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    with os.fdopen(kept, "w") as answer:
        yield answer


if __name__ == "__main__":
    sys.exit(main())
