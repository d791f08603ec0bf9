"""Decode a whole store once: stored frames -> the uint8 array that training samples from."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crl_data.episode import EpisodeMeta
from crl_data.progress import progress_bar
from crl_robot.errors import StoreError
from crl_robot.image_spec import ImageSpec

if TYPE_CHECKING:
    from crl_data.store import Store


def load_images(
    store: Store, spec: ImageSpec, metas: Sequence[EpisodeMeta], workers: int, progress: bool
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """See `Store.load_images`. Threads suffice because OpenCV decodes and resizes without the interpreter lock."""
    lengths = np.array([meta.steps for meta in metas], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    width, height = spec.size
    images = np.empty((int(starts[-1]), height, width, 3), dtype=np.uint8)

    def fill(index: int) -> int:
        track = store.track(metas[index], spec.camera)
        if len(track) != lengths[index]:
            raise StoreError(f"episode '{metas[index].id}' has {len(track)} frames, expected {lengths[index]}")
        for step, frame in enumerate(track.frames()):
            images[starts[index] + step] = spec.apply(frame)
        return len(track)

    with (
        ThreadPoolExecutor(max_workers=max(1, workers)) as pool,
        progress_bar("reading frames", enabled=progress) as bar,
    ):
        task = bar.add_task("", total=int(starts[-1]))
        futures = [pool.submit(fill, index) for index in range(len(metas))]
        try:
            for future in as_completed(futures):
                bar.advance(task, future.result())
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return images, lengths
