"""Decode a whole store once: stored frames -> the uint8 array that training samples from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crl_data.episode import EpisodeMeta
from crl_data.progress import progress_bar
from crl_data.schema import StoreMismatchError
from crl_data.serving.frames import FrameReader
from crl_robot.image_spec import ImageSpec

if TYPE_CHECKING:
    from crl_data.store import Store

BLOCK_BYTES = 4 * 2**20
"""Frames are decoded in blocks of about this size: what one thread does at a time, and what the bar moves by."""

Sink = Callable[[int, NDArray[np.uint8]], None]
"""Called with the first row's number and the rows of each block, from several threads and in no order."""


def load_images(
    store: Store, spec: ImageSpec, metas: Sequence[EpisodeMeta], workers: int | None, progress: bool
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """See `Store.load_images`."""
    with open_frames(store, spec, metas, workers) as reader:
        images = np.empty(loaded_shape(reader, spec), np.uint8)
        decode_blocks(reader, spec, images, None, progress)
        return images, reader.lengths


def require_native(store: Store, spec: ImageSpec) -> None:
    """Raise StoreMismatchError when the camera's frames are of another size than ``spec`` takes."""
    native = store.spec.camera(spec.camera).native
    if native != spec.native:
        raise StoreMismatchError(
            f"store {store.path} has camera '{spec.camera}' with native size {native}, the image spec ({spec.hash}) "
            f"expects {spec.native}; use the image spec that belongs to this camera"
        )


def open_frames(store: Store, spec: ImageSpec, metas: Sequence[EpisodeMeta], workers: int | None) -> FrameReader:
    """A reader of the camera that ``spec`` is for. Raises StoreError."""
    require_native(store, spec)
    return FrameReader(store, spec.camera, metas, workers)


def loaded_shape(reader: FrameReader, spec: ImageSpec) -> tuple[int, int, int, int]:
    """(N, h, w, 3) of all frames at the size that the network sees."""
    width, height = spec.size
    return (len(reader), height, width, 3)


def block_rows(spec: ImageSpec) -> int:
    """How many frames make a block."""
    return max(1, BLOCK_BYTES // (3 * spec.size[0] * spec.size[1]))


def decode_blocks(
    reader: FrameReader, spec: ImageSpec, images: NDArray[np.uint8] | None, sink: Sink | None, progress: bool
) -> None:
    """Decode all frames into ``images`` (N, h, w, 3) and give each block to ``sink``; memory is flat without.

    Threads suffice because zstd and OpenCV decode and resize without the interpreter's lock.

    Raises:
        StoreError: a frame is damaged.
    """
    total, rows = len(reader), block_rows(spec)

    def decode(start: int) -> int:
        stop = min(start + rows, total)
        block = (
            np.empty((stop - start, *loaded_shape(reader, spec)[1:]), np.uint8)
            if images is None
            else images[start:stop]
        )
        reader.read_run(start, block, spec)
        if sink is not None:
            sink(start, block)
        return len(block)

    with ThreadPoolExecutor(reader.workers) as pool, progress_bar("reading frames", enabled=progress) as bar:
        task = bar.add_task("", total=total)
        futures = [pool.submit(decode, start) for start in range(0, total, rows)]
        try:
            for future in as_completed(futures):
                bar.advance(task, future.result())
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
