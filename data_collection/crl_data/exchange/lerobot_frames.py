"""The frames of one camera on their way from a store into a column of picture files."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from crl_data.camera_track import CameraTrack
from crl_data.codec import encode_png
from crl_data.exchange.lerobot_stats import ImageStats, sampled_steps


class FrameCoder:
    """The frames of one camera of one episode, decoded and coded again some at a time.

    Args:
        track: where they are.
        pool: decodes and codes them.
        stored: hand on JPEG files as they are; otherwise, and where a camera is lossless, PNG files are made.
    """

    def __init__(self, track: CameraTrack, pool: ThreadPoolExecutor, *, stored: bool) -> None:
        self.stats = ImageStats()
        self.digest = hashlib.sha256()
        self._track, self._pool = track, pool
        self._as_is = stored and track.spec.encoding == "jpeg"
        self._coded: Iterator[tuple[int, bytes]] = enumerate(track.all_encoded())
        self._sampled = set(sampled_steps(len(track)))

    def take(self, count: int) -> pa.Array:
        """The next ``count`` frames as a column of files. Raises StoreError when one is damaged."""
        files, paths = [], []
        for step, image, data in self._pool.map(self._convert, list(itertools.islice(self._coded, count))):
            self.digest.update(image.data)
            if step in self._sampled:
                self.stats.add(image)
            files.append(data)
            paths.append(f"frame-{step:06d}.{'jpg' if self._as_is else 'png'}")
        columns = [pa.array(files, pa.binary()), pa.array(paths, pa.string())]
        return pa.StructArray.from_arrays(columns, names=["bytes", "path"])

    def _convert(self, coded: tuple[int, bytes]) -> tuple[int, NDArray[np.uint8], bytes]:
        image = self._track.decode(*coded)
        return coded[0], image, coded[1] if self._as_is else encode_png(image)
