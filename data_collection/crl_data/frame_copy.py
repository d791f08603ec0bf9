"""A second copy of the frames of an episode, for when the disk refused to keep the first.

After a failed fsync the system may count lost pages as written: the next fsync of the same file succeeds without them
(https://wiki.postgresql.org/wiki/Fsync_Errors). So what is tried again goes to a new file.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from crl_data.codec import decode_lossless
from crl_data.schema import CameraSpec
from crl_robot.durable import Appender, rename
from crl_robot.errors import StoreError


def rewrite_frames(path: Path, spec: CameraSpec, ends: Sequence[int], expected: str) -> Appender:
    """Replace a file of coded frames by a new file that holds the same, and return it opened at its end.

    Args:
        ends: past-the-last byte of each frame.
        expected: SHA-256 of the content, as it was when the frames came.

    Raises:
        OSError: the disk refused; the old file is still in place.
        StoreError: the old file has lost frames already.
    """
    copy = Appender(path.with_name(f"{path.name}.again"))
    try:
        copy.truncate(0)
        digest = hashlib.sha256()
        with path.open("rb") as file:
            for start, end in itertools.pairwise((0, *ends)):
                data = file.read(end - start)
                copy.write(data)
                digest.update(_content(data, spec))
        if digest.hexdigest() != expected:
            raise StoreError(f"{path} has lost frames that the disk had taken; discard the episode, replace the disk")
        rename(copy.path, path)
    except BaseException:
        copy.close()
        raise
    copy.path = path
    return copy


def _content(data: bytes, spec: CameraSpec) -> bytes | memoryview:
    """What the checksum of an array of frames is taken of."""
    if spec.encoding == "jpeg":
        return data
    image = np.empty(spec.shape, np.uint8)
    decode_lossless(data, image)
    return image.data
