"""Is one episode whole and right? Attributes, files, values, and every frame decoded and compared with its checksum."""

from __future__ import annotations

import hashlib
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from crl_data.camera_track import CameraTrack
from crl_data.checking.findings import Findings
from crl_data.checking.layout_check import check_files
from crl_data.checking.value_check import check_values
from crl_data.episode import CAMERA_STAMPS, Clock, EpisodeMeta
from crl_data.episode_folder import EpisodeFolder
from crl_data.told import goal_frames
from crl_robot.errors import StoreError


def inspect_episode(folder: EpisodeFolder) -> Findings:
    """Look at everything in an episode, wherever it lies; its frames are read one by one."""
    found = Findings()
    _check_meta(folder.meta, found)
    if found.damage:
        return found
    arrays = _read_arrays(folder, found)
    check_values(folder.spec, folder.meta, arrays, found)
    for camera in folder.spec.cameras:
        problems = _frame_problems(folder, camera)
        found.damage += [f"camera {camera}: {problem}" for problem in problems]
    for camera in folder.goal_cameras():
        found.damage += [f"goals of camera {camera}: {problem}" for problem in _goal_problems(folder, camera)]
    check_files(folder, arrays, found)
    return found


def _check_meta(meta: EpisodeMeta, found: Findings) -> None:
    """Kinds and ranges of the attributes that other code relies on."""
    found.require(type(meta.steps) is int and meta.steps > 0, f"steps is {meta.steps!r}, expected 1 or more")
    found.require(meta.clock in get_args(Clock), f"clock is {meta.clock!r}, expected one of {get_args(Clock)}")
    found.require(isinstance(meta.success, bool | None), f"success is {meta.success!r}, expected true, false or null")
    for name in ("calibration", "lost", "options", "checksums"):
        found.require(isinstance(getattr(meta, name), dict), f"{name} is not a mapping")
    if found.damage:
        return
    counts = meta.lost.values()
    found.require(all(type(n) is int and n >= 0 for n in counts), f"lost is {meta.lost}, expected counts of 0 or more")
    inside = all(type(step) is int and 0 <= step < meta.steps for step in meta.goal_steps)
    found.require(inside, f"goal_steps is {list(meta.goal_steps)}, expected steps from 0 to {meta.steps - 1}")


def _read_arrays(folder: EpisodeFolder, found: Findings) -> dict[str, NDArray[Any]]:
    """Every array but the frames that agrees with its checksum."""
    arrays: dict[str, NDArray[Any]] = {}
    for name in folder.meta.checksums:
        if not name.endswith("/frames"):
            try:
                arrays[name] = folder.array(name)
            except StoreError as error:
                found.damage.append(f"{name}: {error}")
    return arrays


def _frame_problems(folder: EpisodeFolder, camera: str) -> list[str]:
    expected = folder.meta.checksums.get(f"cameras/{camera}/frames")
    if expected is None:
        return ["there is no checksum of its frames"]
    try:
        track = folder.track(camera)
        problems = _track_problems(track, folder.meta, _stamp_counts(folder, camera))
        return problems or _content_problems(track, expected)
    except StoreError as error:
        return [str(error)]


def _goal_problems(folder: EpisodeFolder, camera: str) -> list[str]:
    """Whether each picture of a goal can be read; how many there must be is judged with the other values."""
    try:
        return _content_problems(folder.goal_track(camera), folder.meta.checksums[goal_frames(camera)])
    except StoreError as error:
        return [str(error)]


def _stamp_counts(folder: EpisodeFolder, camera: str) -> tuple[int, int]:
    """How many stamps and receive stamps there must be. Images may lack stamps that the arm has."""
    meta = folder.meta
    stamped, received = (f"cameras/{camera}/{name}" in meta.checksums for name in CAMERA_STAMPS)
    measured = stamped and meta.clock == "measured"
    return meta.steps * measured, meta.steps * (measured and received)


def _track_problems(track: CameraTrack, meta: EpisodeMeta, stamps: tuple[int, int]) -> list[str]:
    """Counts, stamps and places of the frames; they are not decoded."""
    counts, expected = (len(track), len(track.stamp_ns), len(track.receive_stamp_ns)), (meta.steps, *stamps)
    if counts != expected:
        return [f"has {counts} frames, stamps and receive stamps, expected {expected}"]
    problems = ["stamp_ns goes back"] if (np.diff(track.stamp_ns) < 0).any() else []
    if track.spec.encoding == "jpeg" and len(track.crc32) != meta.steps:
        problems.append(f"has {len(track.crc32)} checksums of frames, expected {meta.steps}")
    starts, ends = track.spans[:, 0], track.spans[:, 1]
    size = track.file.stat().st_size if track.file.is_file() else 0
    if starts.min() != 0 or (starts[1:] != ends[:-1]).any() or (ends <= starts).any() or ends.max() > size:
        problems.append(f"its frames do not lie one after the other in the {size} bytes of {track.file}")
    return problems


def _content_problems(track: CameraTrack, expected: str) -> list[str]:
    digest = hashlib.sha256()
    for step, data in enumerate(track.all_encoded()):
        image = track.decode(step, data)
        digest.update(data if track.spec.encoding == "jpeg" else image.data)
    return [] if digest.hexdigest() == expected else ["the checksum of its frames is not the recorded one"]
