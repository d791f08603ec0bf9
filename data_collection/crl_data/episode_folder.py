"""A complete episode on the disk, wherever its folder lies: in its store, waiting beside it, or copied half-way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.camera_track import CameraTrack
from crl_data.episode import ARM_STREAM, ARM_STREAM_ARRAYS, CAMERA_STAMPS, STEP_ARRAYS, Episode, EpisodeMeta
from crl_data.files import read_array
from crl_data.frame_layout import frames_file, spans_from_offsets, spans_from_shard
from crl_data.metadata import read_attributes
from crl_data.schema import CameraSpec, StoreSpec
from crl_data.told import GOAL_ARRAYS, GOALS, PROGRESS, PROGRESS_ARRAYS, EpisodeGoal, goal_frames, goal_problems
from crl_robot.errors import StoreError


@dataclass(frozen=True)
class EpisodeFolder:
    """Reads the arrays of one episode, each compared with its checksum."""

    path: Path
    spec: StoreSpec
    meta: EpisodeMeta

    @classmethod
    def open(cls, path: Path, spec: StoreSpec) -> EpisodeFolder:
        """Raises StoreError when it is missing or damaged."""
        return cls(path, spec, read_meta(path))

    def array(self, name: str) -> NDArray[Any]:
        """One checked array, by its path inside the group. Raises StoreError."""
        meta = self.meta
        if name not in meta.checksums:
            raise StoreError(f"episode '{meta.id}' has no array '{name}'; it has {', '.join(sorted(meta.checksums))}")
        return read_array(self.path, name, meta.checksums[name])

    def track(self, camera: str) -> CameraTrack:
        """Where one camera's frames lie, and their stamps. Raises StoreError."""
        spec, prefix = self.spec.camera(camera), f"cameras/{camera}"
        file = frames_file(self.path / prefix, spec)
        if spec.encoding == "lossless":
            spans, crc32 = spans_from_shard(file, self.meta.steps), np.zeros(0, np.uint32)
        else:
            spans, crc32 = spans_from_offsets(self.array(f"{prefix}/offsets")), self.array(f"{prefix}/crc32")
        stamps = [self._optional(f"{prefix}/{name}", np.int64) for name in CAMERA_STAMPS]
        return CameraTrack(spec, file, spans, crc32, stamps[0], stamps[1])

    def arm_stream(self) -> dict[str, NDArray[Any]]:
        """Every state of the arm at its own rate, (M, ...) by name; empty where none was recorded."""
        return self._those_of(ARM_STREAM, ARM_STREAM_ARRAYS)

    def progress(self) -> dict[str, NDArray[Any]]:
        """What was told of the progress at each step, (T, ...) by name; empty where nothing was. Raises StoreError."""
        return self._those_of(PROGRESS, PROGRESS_ARRAYS)

    def goals(self) -> tuple[EpisodeGoal, ...]:
        """The goals that were in force, in order; none where none were recorded. Raises StoreError."""
        if f"{GOALS}/from_step" not in self.meta.checksums:
            return ()
        stamp_ns, from_step = (self.array(f"{GOALS}/{name}") for name in GOAL_ARRAYS)
        named = self.meta.options.get(GOALS)
        if problems := goal_problems(from_step, stamp_ns, named, self.meta.steps):
            raise StoreError(f"episode '{self.meta.id}' is damaged: {problems[0]}; restore it from a copy")
        tracks = {camera: self.goal_track(camera) for camera in self.goal_cameras()}
        return tuple(
            _goal(number, *each, tracks)
            for number, each in enumerate(zip(named or (), from_step.tolist(), stamp_ns.tolist(), strict=True))
        )

    def goal_cameras(self) -> list[str]:
        """Cameras of which there are pictures of the goals."""
        return [name for name in self.spec.cameras if goal_frames(name) in self.meta.checksums]

    def goal_track(self, camera: str) -> CameraTrack:
        """Where the pictures of the goals by one camera lie, a frame a goal. Raises StoreError."""
        spec, none = goal_camera(self.spec, camera), np.zeros(0, np.int64)
        if camera not in self.goal_cameras():
            raise StoreError(f"episode '{self.meta.id}' has no goals seen by '{camera}', only {self.goal_cameras()}")
        file = frames_file((self.path / goal_frames(camera)).parent, spec)
        spans = spans_from_shard(file, len(self.array(f"{GOALS}/from_step")))
        return CameraTrack(spec, file, spans, none.astype(np.uint32), none, none)

    def read(self) -> Episode:
        """The whole episode, its frames still on the disk. Raises StoreError."""
        arrays = {name: self.array(name) for name in STEP_ARRAYS if name in self.meta.checksums}
        cameras = {camera: self.track(camera) for camera in self.spec.cameras}
        return Episode(self.meta, arrays, cameras, self.progress(), self.goals())

    def _those_of(self, folder: str, names: Iterable[str]) -> dict[str, NDArray[Any]]:
        """By name, the arrays below a folder that the episode has."""
        paths = {name: f"{folder}/{name}" for name in names}
        return {name: self.array(path) for name, path in paths.items() if path in self.meta.checksums}

    def _optional(self, name: str, kind: type) -> NDArray[Any]:
        return self.array(name) if name in self.meta.checksums else np.zeros(0, kind)


def goal_camera(spec: StoreSpec, camera: str) -> CameraSpec:
    """How pictures of goals are kept: as large as the camera's frames, and lossless. Raises StoreError."""
    return replace(spec.camera(camera), encoding="lossless")


def _goal(
    number: int, told: Mapping[str, Any], from_step: int, stamp_ns: int, tracks: Mapping[str, CameraTrack]
) -> EpisodeGoal:
    stage, warnings = told.get("stage"), tuple(told.get("warnings") or ())
    return EpisodeGoal(number, str(told["name"]), stage, from_step, stamp_ns, warnings, tracks)


def read_meta(folder: Path) -> EpisodeMeta:
    """The attributes of an episode. Raises StoreError when they cannot be read."""
    try:
        return EpisodeMeta.from_dict(read_attributes(folder))
    except (KeyError, TypeError) as error:
        raise StoreError(f"{folder} is damaged: its attributes cannot be read ({error!r})") from error
