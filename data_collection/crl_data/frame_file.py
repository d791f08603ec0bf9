"""The frames of one camera of one episode as one file that grows while recording; `frame_layout` says what is in it."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from crl_data.codec import encode_jpeg, encode_lossless
from crl_data.episode import CAMERA_STAMPS
from crl_data.frame_copy import rewrite_frames
from crl_data.frame_layout import INDEX_CHECKSUM_BYTES, frames_file, frames_metadata
from crl_data.growing import GrowingArray
from crl_data.schema import CameraSpec, StoreMismatchError
from crl_robot.durable import Appender
from crl_robot.errors import StoreError


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
        self._stamps = {name: GrowingArray(np.int64) for name in CAMERA_STAMPS}
        self._digest = self._digest_before = hashlib.sha256()

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def size(self) -> int:
        """Bytes of all frames so far."""
        return int(self._ends.last()) if len(self) else 0

    @property
    def stamp_ns(self) -> NDArray[np.int64]:
        """Stamps of the source of all frames so far; (0,) where there are none."""
        return self._stamps["stamp_ns"].array()

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
        """Forget the frame added last; only once after each. Its bytes go before the next frame, or at the end."""
        count = len(self)
        self._digest = self._digest_before
        for rows in (self._crc32, *self._stamps.values(), self._ends):
            if len(rows) == count:
                rows.pop()

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
            self._file.write(index + google_crc32c.value(index).to_bytes(INDEX_CHECKSUM_BYTES, "little"))
        arrays |= {name: rows.array() for name, rows in self._stamps.items() if len(rows)}
        return FrameSummary(frames_metadata(self._spec, steps, size), self._digest.hexdigest(), arrays)

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def _append(
        self, data: bytes, content: bytes | memoryview, stamp_ns: int | None, receive_stamp_ns: int | None
    ) -> None:
        stamps: dict[str, int | None] = dict(zip(CAMERA_STAMPS, (stamp_ns, receive_stamp_ns), strict=True))
        self._forget_interrupted()
        self._require_as_before(stamps)
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
        for name, stamp in stamps.items():
            if stamp is not None:
                self._stamps[name].append(stamp)
        self._ends.append(self._file.size)  # last: from here on the frame counts
        self._digest_before, self._digest = self._digest, digest

    def _require_as_before(self, stamps: Mapping[str, int | None]) -> None:
        """Raise StoreError when a kind of stamp is given for some frames only."""
        for name, rows in self._stamps.items():
            if len(self) and (stamps[name] is not None) != bool(len(rows)):
                raise StoreError(
                    f"camera '{self._name}' has {name.removesuffix('_ns').replace('_', ' ')}s for some frames only; "
                    "give them for all or for none"
                )
        if stamps["stamp_ns"] is None and stamps["receive_stamp_ns"] is not None:
            raise StoreError(f"camera '{self._name}' has receive stamps but none of its source; give both or neither")

    def _forget_interrupted(self) -> None:
        """Drop what a frame left that was given up half-way, by a lack of memory say."""
        for rows in (self._crc32, *self._stamps.values()):
            while len(rows) > len(self):
                rows.pop()
        if self._file.size != self.size:
            self._file.truncate(self.size)
