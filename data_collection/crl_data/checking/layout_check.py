"""Are the files of an episode all there, and does their metadata say what the data are?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from crl_data.checking.findings import Findings
from crl_data.episode_folder import EpisodeFolder, goal_camera
from crl_data.files import checksum
from crl_data.frame_layout import frames_file, frames_metadata
from crl_data.metadata import (
    BYTES_CODEC,
    DAMAGE,
    SEAL,
    ZSTD_CODEC,
    array_metadata,
    chunk_name,
    group_json,
    read_attributes,
)
from crl_data.schema import CameraSpec
from crl_data.told import GOALS, goal_frames
from crl_robot.errors import StoreError


def check_files(folder: EpisodeFolder, arrays: Mapping[str, NDArray[Any]], found: Findings) -> None:
    """Compare the files below an episode with what its attributes declare.

    Args:
        arrays: every array of the episode that could be read, but for the frames, by its path inside the group.
    """
    expected = dict(_expected_files(folder, arrays))
    present = {str(path.relative_to(folder.path)) for path in folder.path.rglob("*") if not path.is_dir()}
    zeros = {f"{name}/{chunk_name(array.ndim)}" for name, array in arrays.items()}  # zarr leaves these chunks away
    found.damage += [f"{name} is missing" for name in sorted(set(expected) - present - zeros)]
    found.warnings += [f"{name} belongs to nothing" for name in sorted(present - set(expected))]
    for name in sorted(set(expected) & present):
        if expected[name] is not None and not _same_metadata(folder.path / name, expected[name]):
            _judge_metadata(folder, name, found)
    found.expect(_is_sealed(folder.path), "its attributes carry no checksum, so damage to them would not be seen")


def _expected_files(
    folder: EpisodeFolder, arrays: Mapping[str, NDArray[Any]]
) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    """Name, and the metadata that it must hold if it is that of an array or of a group without attributes."""
    group = json.loads(group_json({}))
    names = [*folder.meta.checksums, *(f"cameras/{camera}/frames" for camera in folder.spec.cameras)]
    for parent in {str(parent) for name in names for parent in PurePosixPath(name).parents} - {"."}:
        yield f"{parent}/zarr.json", group
    yield "zarr.json", None
    for name, array in arrays.items():
        yield f"{name}/zarr.json", array_metadata(array.dtype, array.shape, array.shape, [BYTES_CODEC, ZSTD_CODEC])
        yield f"{name}/{chunk_name(array.ndim)}", None
    for camera, spec in folder.spec.cameras.items():
        yield from _expected_frames(folder, f"cameras/{camera}/frames", spec, folder.meta.steps)
    for camera in folder.goal_cameras():
        count = len(arrays.get(f"{GOALS}/from_step", ()))
        yield from _expected_frames(folder, goal_frames(camera), goal_camera(folder.spec, camera), count)


def _expected_frames(
    folder: EpisodeFolder, path: str, spec: CameraSpec, count: int
) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    file = frames_file((folder.path / path).parent, spec)
    size = file.stat().st_size if file.is_file() else 0
    yield f"{path}/zarr.json", frames_metadata(spec, count, size)
    yield str(file.relative_to(folder.path)), None


def _same_metadata(file: Path, expected: Mapping[str, Any] | None) -> bool:
    try:
        return json.loads(file.read_bytes()) == expected
    except DAMAGE:
        return False


def _judge_metadata(folder: EpisodeFolder, name: str, found: Findings) -> None:
    """Other metadata are right as long as zarr reads the same data by them."""
    array = str(PurePosixPath(name).parent)
    try:
        if array in folder.meta.checksums:
            content = np.asarray(zarr.open_array(folder.path / array, mode="r")[...])
            same = checksum(content) == folder.meta.checksums[array]
        else:
            same = zarr.open_group(folder.path / array, mode="r").read_only
    except (*DAMAGE, ImportError):
        same = False
    found.require(same, f"{name} is damaged: zarr cannot read {array} by it")
    found.expect(not same, f"{name} is not as this program writes it; zarr reads the same data by it")


def _is_sealed(folder: Path) -> bool:
    try:
        read_attributes(folder)
        return SEAL in json.loads((folder / "zarr.json").read_bytes())["attributes"]
    except (StoreError, *DAMAGE):
        return False
