"""Any frames of a store in any order, read straight from the episodes' files: each is one read at a known place."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crl_data.camera_track import CameraTrack
from crl_data.episode import EpisodeMeta
from crl_data.serving.gather import require_within
from crl_robot.errors import ContractError, StoreError
from crl_robot.image_spec import ImageSpec

if TYPE_CHECKING:
    from crl_data.store import Store

PARTS_PER_WORKER = 4
"""Small enough parts that no thread waits long for another, large enough that handing them out costs nothing."""


class FrameReader:
    """The frames of one camera in the given episodes, numbered end to end; each is verified when it is read.

    What is kept in memory are places and checksums, 20 bytes a frame. Several threads may read at a time.

    Args:
        workers: threads, one for each core by default. They decode side by side, without the interpreter's lock.

    Raises:
        StoreError: no such camera, or an episode is damaged.
    """

    def __init__(self, store: Store, camera: str, metas: Sequence[EpisodeMeta], workers: int | None = None) -> None:
        self.spec = store.spec.camera(camera)
        self.workers = workers or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="frames")
        self._tracks = list(self._pool.map(lambda meta: _track(store, meta, camera), metas))
        self.lengths = np.array([len(track) for track in self._tracks], np.int64)
        self._starts = np.concatenate([[0], np.cumsum(self.lengths)])
        self._longest = max((int(np.diff(track.spans).max()) for track in self._tracks if len(track)), default=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return int(self._starts[-1])

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)

    def read(
        self, indices: ArrayLike, out: NDArray[np.uint8] | None = None, spec: ImageSpec | None = None
    ) -> NDArray[np.uint8]:
        """The frames at ``indices`` (B,), by all threads.

        Args:
            out: C-contiguous uint8 (B, H, W, 3) to fill.
            spec: what the network is to see of each; by default they come at native size.

        Raises:
            ContractError: an index or ``out`` does not fit.
            StoreError: a frame is damaged.
        """
        wanted = np.asarray(indices, np.int64)
        require_within(wanted, len(self))
        out = self._output(len(wanted), out, spec)
        order = np.argsort(wanted, kind="stable")  # neighbours on the disk are read one after the other
        parts = np.array_split(order, min(len(order), PARTS_PER_WORKER * self.workers) or 1)
        list(self._pool.map(lambda part: self._fill(wanted[part], out, part, spec), parts))
        return out

    def read_run(self, start: int, out: NDArray[np.uint8], spec: ImageSpec | None = None) -> None:
        """Frames ``start`` to ``start + len(out)``, in the thread that calls. Raises as `read`."""
        positions = np.arange(len(out))
        require_within(start + positions, len(self))
        self._fill(start + positions, self._output(len(out), out, spec), positions, spec)

    def _output(self, count: int, out: NDArray[np.uint8] | None, spec: ImageSpec | None) -> NDArray[np.uint8]:
        width, height = self.spec.native if spec is None else spec.size
        shape = (count, height, width, 3)
        if out is None:
            return np.empty(shape, np.uint8)
        if out.shape != shape or out.dtype != np.uint8 or not out.flags.c_contiguous:
            raise ContractError(f"the output is {out.dtype} {out.shape}, expected C-contiguous uint8 {shape}")
        return out

    def _fill(
        self, wanted: NDArray[np.int64], out: NDArray[np.uint8], positions: NDArray[np.int64], spec: ImageSpec | None
    ) -> None:
        """Frame ``wanted[i]`` to row ``positions[i]``; ``wanted`` ascends.

        Buffers are kept from frame to frame: fresh ones of this size are mapped anew each time, page by page.
        """
        coded, native = memoryview(bytearray(self._longest)), np.empty(self.spec.shape, np.uint8)
        episodes = np.searchsorted(self._starts, wanted, side="right") - 1
        bounds = np.flatnonzero(np.diff(episodes)) + 1
        for group in np.split(np.arange(len(wanted)), bounds) if len(wanted) else []:
            episode = int(episodes[group[0]])
            track = self._tracks[episode]
            with _opened(track.file) as descriptor:
                for i in group:
                    step = int(wanted[i] - self._starts[episode])
                    data = _read(track, descriptor, step, coded)
                    row = out[positions[i]]
                    if spec is None or spec.is_identity:
                        track.decode(step, data, row)
                    else:
                        row[:] = spec.apply(track.decode(step, data, native))


def _track(store: Store, meta: EpisodeMeta, camera: str) -> CameraTrack:
    track = store.track(meta, camera)
    if len(track) != meta.steps:
        raise StoreError(f"episode '{meta.id}' has {len(track)} frames, expected {meta.steps}; run 'crl-data check'")
    return track


@contextmanager
def _opened(file: Path) -> Iterator[int]:
    """A descriptor for as long as it is needed: a store has more episodes than a process may have files open."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise StoreError(f"{file} cannot be read ({error}); run 'crl-data check'") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _read(track: CameraTrack, descriptor: int, step: int, buffer: memoryview) -> memoryview:
    """The coded frame, in ``buffer``."""
    start, end = (int(byte) for byte in track.spans[step])
    data = buffer[: end - start]
    try:
        count = os.preadv(descriptor, [data], start)
    except OSError as error:
        raise StoreError(f"{track.file} cannot be read ({error}); restore it from a copy") from error
    if count != end - start:
        raise StoreError(f"{track.file} ends inside frame {step}; run 'crl-data check'")
    return data
