"""The frames of one camera of one episode as one file that grows while recording, and that zarr reads as one array.

JPEG: all files end to end, an uncompressed uint8 array in a single chunk. Lossless: a shard of zarr's
``sharding_indexed`` codec with one zstd frame for each image and the index at the end
(https://zarr-specs.readthedocs.io, "Sharding codec").
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from crl_data.codec import ZSTD_LEVEL, encode_jpeg, encode_lossless
from crl_data.frame_copy import rewrite_frames
from crl_data.growing import GrowingArray
from crl_data.metadata import BYTES_CODEC, array_metadata, chunk_name
from crl_data.schema import CameraSpec, StoreMismatchError
from crl_robot.durable import Appender
from crl_robot.errors import StoreError

_DIMENSIONS = {"jpeg": 1, "lossless": 4}
_INDEX_CHECKSUM_BYTES = 4


def frames_file(camera_folder: Path, spec: CameraSpec) -> Path:
    """Where the coded frames of a camera lie."""
    return camera_folder / "frames" / chunk_name(_DIMENSIONS[spec.encoding])


def frames_metadata(spec: CameraSpec, steps: int, size: int) -> dict[str, Any]:
    """The zarr.json of the array whose one chunk or shard is the file of ``steps`` frames in ``size`` bytes."""
    if spec.encoding == "jpeg":
        return array_metadata(np.dtype(np.uint8), (size,), (size,), [BYTES_CODEC])
    shape = (steps, *spec.shape)
    sharding = {
        "chunk_shape": [1, *spec.shape],
        "codecs": [BYTES_CODEC, {"name": "zstd", "configuration": {"level": ZSTD_LEVEL, "checksum": True}}],
        "index_codecs": [BYTES_CODEC, {"name": "crc32c"}],
        "index_location": "end",
    }
    return array_metadata(np.dtype(np.uint8), shape, shape, [{"name": "sharding_indexed", "configuration": sharding}])


def spans_from_offsets(offsets: NDArray[np.uint64]) -> NDArray[np.int64]:
    """(T + 1,) offsets -> (T, 2) first and past-the-last byte of each frame."""
    return np.stack([offsets[:-1], offsets[1:]], axis=1).astype(np.int64)


def spans_from_shard(file: Path, steps: int) -> NDArray[np.int64]:
    """(T, 2) first and past-the-last byte of each frame, from the index of a shard. Raises StoreError."""
    length = 16 * steps + _INDEX_CHECKSUM_BYTES
    try:
        with file.open("rb") as shard:
            shard.seek(-length, 2)
            index, expected = shard.read(16 * steps), shard.read(_INDEX_CHECKSUM_BYTES)
    except OSError as error:
        raise StoreError(f"{file} has no index of {steps} frames ({error}); run 'crl-data check'") from error
    if google_crc32c.value(index) != int.from_bytes(expected, "little"):
        raise StoreError(f"{file} is damaged: the checksum of its index is another; restore it from a copy")
    starts = np.frombuffer(index, "<u8").reshape(steps, 2).astype(np.int64)
    return np.cumsum(starts, axis=1) if steps else starts


@dataclass(frozen=True)
class FrameSummary:
    """What a finished file holds.

    Attributes:
        metadata: the array's zarr.json.
        checksum: SHA-256 of the array's content.
        arrays: offsets, checksums and stamps that belong beside it, by name.
    """

    metadata: dict[str, Any]
    checksum: str
    arrays: dict[str, NDArray[Any]]


class FrameFile:
    """Adds frames at the end of the file; one that could not be written leaves the file as it was.

    Args:
        camera_folder: of the camera inside the episode; exists.
        name: of the camera, for messages.
    """

    def __init__(self, camera_folder: Path, name: str, spec: CameraSpec) -> None:
        self._name, self._spec = name, spec
        self._file = Appender(frames_file(camera_folder, spec))
        self._ends = GrowingArray(np.int64)
        self._crc32 = GrowingArray(np.uint32)
        self._stamps = GrowingArray(np.int64, (2,))
        self._digest = self._digest_before = hashlib.sha256()

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def size(self) -> int:
        """Bytes of all frames so far."""
        return int(self._ends.last()) if len(self) else 0

    def add(self, image: NDArray[np.uint8], stamp_ns: int | None, receive_stamp_ns: int | None) -> None:
        """Code and add uint8 (H, W, 3) RGB. Raises StoreMismatchError on another size, StoreError when it cannot."""
        if image.shape != self._spec.shape or image.dtype != np.uint8:
            raise StoreMismatchError(
                f"frame of camera '{self._name}' is {image.dtype} {image.shape}, the store holds uint8 "
                f"{self._spec.shape}; set the camera to that size or record into a new store"
            )
        if self._spec.encoding == "jpeg":
            self.add_jpeg(encode_jpeg(image, self._spec.quality), stamp_ns, receive_stamp_ns)
        else:
            self._append(encode_lossless(image), np.ascontiguousarray(image).data, stamp_ns, receive_stamp_ns)

    def add_jpeg(self, data: bytes, stamp_ns: int | None, receive_stamp_ns: int | None) -> None:
        """Add a JPEG file as it is; the caller knows that its size fits. Raises StoreError."""
        if self._spec.encoding != "jpeg":
            raise StoreMismatchError(f"camera '{self._name}' is kept {self._spec.encoding}, got a JPEG file; decode it")
        self._append(data, data, stamp_ns, receive_stamp_ns)

    def undo(self) -> None:
        """Forget the frame added last; only once after each."""
        self._digest = self._digest_before
        for rows in (self._ends, self._crc32, self._stamps):
            if len(rows) >= len(self._ends):
                rows.pop()
        self._file.truncate(self.size)

    def write_again(self) -> None:
        """Go on in a new file with the same frames. Raises OSError, or StoreError when the old one has lost some."""
        self._forget_interrupted()
        new = rewrite_frames(self._file.path, self._spec, self._ends.array().tolist(), self._digest.hexdigest())
        self._file.close()
        self._file = new

    def finish(self) -> FrameSummary:
        """End the file; may be tried again when the disk refused. Raises OSError."""
        self._forget_interrupted()
        steps, size = len(self), self.size
        offsets = np.concatenate([[0], self._ends.array()]).astype(np.uint64)
        self._file.truncate(size)
        arrays: dict[str, NDArray[Any]] = {}
        if self._spec.encoding == "jpeg":
            arrays |= {"offsets": offsets, "crc32": self._crc32.array()}
        else:
            index = np.stack([offsets[:-1], np.diff(offsets)], axis=1).astype("<u8").tobytes()
            self._file.write(index + google_crc32c.value(index).to_bytes(_INDEX_CHECKSUM_BYTES, "little"))
        if len(self._stamps):
            stamps = self._stamps.array()
            arrays |= {"stamp_ns": stamps[:, 0], "receive_stamp_ns": stamps[:, 1]}
        return FrameSummary(frames_metadata(self._spec, steps, size), self._digest.hexdigest(), arrays)

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def _append(
        self, data: bytes, content: bytes | memoryview, stamp_ns: int | None, receive_stamp_ns: int | None
    ) -> None:
        if len(self) and (stamp_ns is not None) != bool(len(self._stamps)):
            raise StoreError(f"camera '{self._name}' has stamps for some frames only; give them for all or for none")
        self._forget_interrupted()
        try:
            self._file.write(data)
        except OSError as error:
            raise StoreError(
                f"a frame of camera '{self._name}' could not be written: {error}; what was recorded before it is kept, "
                "free space or end the episode"
            ) from error
        digest = self._digest.copy()
        digest.update(content)
        if self._spec.encoding == "jpeg":
            self._crc32.append(zlib.crc32(data))
        if stamp_ns is not None:
            self._stamps.append((stamp_ns, stamp_ns if receive_stamp_ns is None else receive_stamp_ns))
        self._ends.append(self._file.size)  # last: from here on the frame counts
        self._digest_before, self._digest = self._digest, digest

    def _forget_interrupted(self) -> None:
        """Drop what a frame left that was given up half-way, by a lack of memory say."""
        for rows in (self._crc32, self._stamps):
            while len(rows) > len(self):
                rows.pop()
        if self._file.size != self.size:
            self._file.truncate(self.size)
