"""The coded frames of one camera of one episode, read from the disk one by one."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from crl_data.codec import decode_jpeg, decode_lossless
from crl_data.schema import CameraSpec
from crl_robot.errors import StoreError


@dataclass(frozen=True)
class CameraTrack:
    """The frames of one camera, still coded and still on the disk.

    Attributes:
        spec: size and encoding.
        file: where the coded frames lie one after the other.
        spans: int64 (T, 2) first and past-the-last byte of each frame in the file.
        crc32: uint32 (T,) of each JPEG file; empty when lossless, where zstd carries a checksum of its own.
        stamp_ns: int64 (T,) stamps of the source; empty when the source had no clock.
        receive_stamp_ns: int64 (T,) stamps of arrival; empty where the frames did not travel, or nobody noted them.
    """

    spec: CameraSpec
    file: Path
    spans: NDArray[np.int64]
    crc32: NDArray[np.uint32]
    stamp_ns: NDArray[np.int64]
    receive_stamp_ns: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.spans)

    def encoded(self, step: int) -> bytes:
        """The coded frame of one step: a JPEG file or a zstd frame. Raises StoreError when it is not there."""
        with self._open() as file:
            return self._read(file, step)

    def frame(self, step: int) -> NDArray[np.uint8]:
        """uint8 (H, W, 3) RGB of one step. Raises StoreError when it is damaged."""
        return self.decode(step, self.encoded(step))

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """Every frame in order. Raises StoreError at the first that is damaged."""
        for step, data in enumerate(self.all_encoded()):
            yield self.decode(step, data)

    def all_encoded(self) -> Iterator[bytes]:
        """Every coded frame in order, reading the file once."""
        with self._open() as file:
            for step in range(len(self)):
                yield self._read(file, step)

    def verify(self) -> None:
        """Compare every frame with its checksum; JPEG files are not decoded. Raises StoreError at the first damage."""
        image = np.empty(self.spec.shape, np.uint8)
        for step, data in enumerate(self.all_encoded()):
            if self.spec.encoding == "lossless":
                decode_lossless(data, image)
            else:
                self._compare(step, data)

    def decode(self, step: int, data: bytes | memoryview, out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """uint8 (H, W, 3) RGB from the coded frame of ``step``, in ``out`` if given. Raises StoreError on damage."""
        if self.spec.encoding == "lossless":
            image = np.empty(self.spec.shape, np.uint8) if out is None else out
            decode_lossless(data, image)
            return image
        self._compare(step, data)
        return decode_jpeg(data, self.spec.shape, out)

    def _compare(self, step: int, data: bytes | memoryview) -> None:
        if zlib.crc32(data) != self.crc32[step]:
            raise StoreError(f"{self.file}: frame {step} is damaged, its checksum is not the recorded one; restore it")

    def _open(self) -> BinaryIO:
        try:
            return self.file.open("rb")
        except OSError as error:
            raise StoreError(f"{self.file} cannot be read ({error}); run 'crl-data check'") from error

    def _read(self, file: BinaryIO, step: int) -> bytes:
        start, end = (int(byte) for byte in self.spans[step])
        if file.tell() != start:
            file.seek(start)
        data = file.read(end - start)
        if len(data) != end - start:
            raise StoreError(f"{self.file} ends inside frame {step}; run 'crl-data check'")
        return data
