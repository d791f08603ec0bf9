"""How the frames of one camera of one episode lie on the disk: one file, which zarr reads as one array.

JPEG: all files end to end, an uncompressed uint8 array in a single chunk. Lossless: a shard of zarr's
``sharding_indexed`` codec with one zstd frame for each image and the index at the end
(https://zarr-specs.readthedocs.io, "Sharding codec").
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from crl_data.codec import ZSTD_LEVEL
from crl_data.metadata import BYTES_CODEC, array_metadata, chunk_name
from crl_data.schema import CameraSpec
from crl_robot.errors import StoreError

_DIMENSIONS = {"jpeg": 1, "lossless": 4}
INDEX_CHECKSUM_BYTES = 4


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
    length = 16 * steps + INDEX_CHECKSUM_BYTES
    try:
        with file.open("rb") as shard:
            shard.seek(-length, 2)
            index, expected = shard.read(16 * steps), shard.read(INDEX_CHECKSUM_BYTES)
    except OSError as error:
        raise StoreError(f"{file} has no index of {steps} frames ({error}); run 'crl-data check'") from error
    if google_crc32c.value(index) != int.from_bytes(expected, "little"):
        raise StoreError(f"{file} is damaged: the checksum of its index is another; restore it from a copy")
    starts = np.frombuffer(index, "<u8").reshape(steps, 2).astype(np.int64)
    return np.cumsum(starts, axis=1) if steps else starts
