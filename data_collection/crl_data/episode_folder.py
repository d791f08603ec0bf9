"""A complete episode on the disk, wherever its folder lies: in its store, waiting beside it, or copied half-way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.camera_track import CameraTrack
from crl_data.episode import ARM_STREAM, ARM_STREAM_ARRAYS, CAMERA_STAMPS, STEP_ARRAYS, Episode, EpisodeMeta
from crl_data.files import read_array
from crl_data.frame_layout import frames_file, spans_from_offsets, spans_from_shard
from crl_data.metadata import read_attributes
from crl_data.schema import StoreSpec
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
        paths = {name: f"{ARM_STREAM}/{name}" for name in ARM_STREAM_ARRAYS}
        return {name: self.array(path) for name, path in paths.items() if path in self.meta.checksums}

    def read(self) -> Episode:
        """The whole episode, its frames still on the disk. Raises StoreError."""
        arrays = {name: self.array(name) for name in STEP_ARRAYS if name in self.meta.checksums}
        return Episode(self.meta, arrays, {camera: self.track(camera) for camera in self.spec.cameras})

    def _optional(self, name: str, kind: type) -> NDArray[Any]:
        return self.array(name) if name in self.meta.checksums else np.zeros(0, kind)


def read_meta(folder: Path) -> EpisodeMeta:
    """The attributes of an episode. Raises StoreError when they cannot be read."""
    try:
        return EpisodeMeta.from_dict(read_attributes(folder))
    except (KeyError, TypeError) as error:
        raise StoreError(f"{folder} is damaged: its attributes cannot be read ({error!r})") from error
