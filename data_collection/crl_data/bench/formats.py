"""crl-bench store: our store beside other ways to keep and serve the same trajectories, in one run.

The frames are those of `camera_frames`; every format gets the same ones in the same order, on the same disk.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from crl_data.bench.camera_frames import SIGMA, camera_frames
from crl_data.bench.data_formats import THREADS, Hdf5, OurStore, PlainZarr
from crl_data.bench.format_measure import BATCH, SIZE, Amount, Make, measure_disk, measure_memory
from crl_data.bench.machine import machine_facts, package_versions
from crl_robot.errors import ConfigError

PEER = Path(__file__).with_name("lerobot_peer.py")
PEER_EPISODES = 5
"""LeRobot writes tens of frames in a second; its speed does not depend on the number of episodes."""
PEER_TIMEOUT_S = 1800
PACKAGES = ("numpy", "opencv-python", "zarr", "numcodecs", "h5py")
MEASURED = (
    "write_frames_per_s",
    "size_ratio",
    "psnr_db",
    "batch_disk_ms",
    "batch_memory_ms",
    "load_frames_per_s",
    "batch_small_ms",
)
OURS = ("ours jpeg", "ours lossless")
BASELINE = "hdf5"
_SERVED_BY = {"ours jpeg": "gather", "ours lossless": "gather", BASELINE: "numpy"}
"""Which batches from memory belong to a format: ours are gathered, numpy indexes what HDF5 loaded."""


def run(
    amount: Amount,
    folder: Path | None = None,
    lerobot: str | None = None,
    on_stage: Callable[[str], None] = lambda name: None,
) -> dict[str, Any]:
    """Measure all formats; takes minutes with the default amount.

    Args:
        folder: where the data sets are written for as long as they are measured; it decides which disk is measured.
        lerobot: an interpreter that has the lerobot package.
        on_stage: called with the name of what is measured next.

    Returns:
        facts: 'formats', a list with 'name', the values of MEASURED (None where there is none) and a note for each;
        'ratio_...', our values over those of uncompressed HDF5; machine, versions and amounts.

    Raises:
        ConfigError: an amount is out of range.
    """
    if min(amount.episodes, amount.repeats) < 1 or min(amount.steps, amount.small_frames) < 2:
        raise ConfigError(f"got {amount}, expected at least one episode of two steps and one repeat")
    with tempfile.TemporaryDirectory(prefix="crl-bench-", dir=folder) as place:
        on_stage("batches from memory")
        memory = measure_memory(amount)
        rows = []
        for name, note, make in _formats():
            on_stage(name)
            values: dict[str, Any] = measure_disk(make, Path(place), amount) if make else {}
            served = memory.get(_SERVED_BY.get(name, ""), {}) if make else {}
            rows.append(_row(name, note, values | served))
        for mode in ("image", "video"):
            on_stage(f"lerobot {mode}")
            rows.append(_lerobot(lerobot, mode, Path(place), amount))
    return {
        "formats": rows,
        **_ratios(rows),
        "copy_memory_ms": memory["copy"]["batch_memory_ms"],
        "copy_small_ms": memory["copy"]["batch_small_ms"],
        "image_size": SIZE,
        "noise_sigma": SIGMA,
        "batch": BATCH,
        "threads": THREADS,
        "episodes": amount.episodes,
        "steps": amount.steps,
        "repeats": amount.repeats,
        "seed": amount.seed,
        "command": " ".join(sys.argv),
        "machine": machine_facts(),
        "versions": package_versions(PACKAGES),
    }


def _formats() -> list[tuple[str, str, Make | None]]:
    """Name, note and maker of each format that runs in this process; no maker where its package is missing."""
    h5py = importlib.import_module("h5py") if find_spec("h5py") else None
    return [
        ("ours jpeg", "quality 95, 4:4:4; fsync at commit", partial(OurStore, encoding="jpeg")),
        ("ours lossless", "zstd level 1 per frame; fsync at commit", partial(OurStore, encoding="lossless")),
        (BASELINE, "uncompressed; no fsync" if h5py else "h5py is not installed", h5py and partial(Hdf5, h5py=h5py)),
        ("zarr chunk 1", "zstd level 1, a file per frame; no fsync", partial(PlainZarr, chunk=1)),
        ("zarr chunk 16", "zstd level 1, a file per 16 frames; no fsync", partial(PlainZarr, chunk=16)),
        (
            "zarr shard",
            "zstd level 1 per frame, a shard per episode, by zarr-python; no fsync",
            partial(PlainZarr, chunk=0),
        ),
    ]


def _row(name: str, note: str, values: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, **{key: values.get(key) for key in MEASURED}, "note": note}


def _ratios(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Our values over those of HDF5, where both have one."""
    by_name = {row["name"]: row for row in rows}
    base = by_name[BASELINE]
    return {
        f"ratio_{name.replace(' ', '_')}_{key}": by_name[name][key] / base[key]
        for name in OURS
        for key in MEASURED
        if by_name[name][key] and base[key]
    }


def _lerobot(python: str | None, mode: str, folder: Path, amount: Amount) -> dict[str, Any]:
    """A row measured by another interpreter, which has LeRobot."""
    name = f"lerobot {mode}"
    if python is None:
        return _row(name, "not installed; give --lerobot PYTHON", {})
    frames = folder / "frames.npy"
    np.save(frames, camera_frames(amount.steps, SIZE, amount.seed))
    episodes = min(amount.episodes, PEER_EPISODES)
    words = [python, str(PEER), "--frames", str(frames), "--episodes", str(episodes), "--steps", str(amount.steps)]
    words += ["--mode", mode, "--out", str(folder / f"lerobot-{mode}"), "--seed", str(amount.seed)]
    try:
        ended = subprocess.run(words, check=True, capture_output=True, text=True, timeout=PEER_TIMEOUT_S)
        facts = json.loads(ended.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        return _row(name, f"failed: {said[-1] if said else error}", {})
    lossless = facts["psnr_db"] >= 999
    values = {**facts, "batch_disk_ms": facts["batch_ms"], "psnr_db": None if lossless else facts["psnr_db"]}
    return _row(name, f"{facts['version']}, {facts['decoder']}, {episodes} episodes; no fsync", values)
