"""Frames as the network sees them, decoded once and kept on the disk for the next run.

A file is named after the content of the episodes and the image spec, so it is never out of date. Sets that do not fit
into memory are mapped from that file: what a batch needs is read when it is drawn.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crl_data.episode import EpisodeMeta
from crl_data.serving.cache_file import CacheDamageError, CacheWriter, Shape, map_cache, read_cache
from crl_data.serving.cache_folder import FrameCache
from crl_data.serving.loading import block_rows, decode_blocks, open_frames, require_native
from crl_data.serving.memory import available_memory
from crl_data.store import Store
from crl_robot.errors import StoreError
from crl_robot.image_spec import ImageSpec

MEMORY_PART = 0.5
"""Part of the available memory that a set may take; beyond it, it is mapped from the disk."""

_LOG = logging.getLogger(__name__)


def load_frames(
    store: Store,
    spec: ImageSpec,
    ids: Sequence[str] | None = None,
    *,
    cache: FrameCache | None = None,
    memory: bool | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Every frame of ``spec.camera`` as the network sees it, from ``cache`` where it is there.

    A cache that cannot be written is warned of and done without, as long as the frames fit into memory.

    Args:
        ids: episodes, all by default.
        cache: where decoded frames are kept; None decodes each time.
        memory: True loads, False maps the file in the cache; by default the available memory decides.

    Returns:
        images uint8 (N, h, w, 3) end to end, in memory or a read-only np.memmap, and the lengths int64 (E,).

    Raises:
        StoreError: no such camera, another native size, no episodes, damage, or frames that can neither be loaded nor
            mapped.
    """
    frames = _Frames(store, spec, store.metas(ids), workers or os.cpu_count() or 1, progress)
    available = available_memory()
    fits = frames.bytes <= MEMORY_PART * available
    load = fits if memory is None else memory
    if cache is not None:
        try:
            return frames.through(cache, load), frames.lengths
        except OSError as error:
            _LOG.warning("decoded frames are not kept in %s: %s", cache.folder, error)
    if not (load or fits):
        raise StoreError(
            f"the frames of {store.path} take {frames.bytes / 1e9:.2f} GB, {available / 1e9:.2f} GB of memory are "
            "available and there is no cache that can hold them; give the cache room or use a smaller image size"
        )
    return frames.decoded(), frames.lengths


class _Frames:
    """What is asked for, and the ways to it."""

    def __init__(
        self, store: Store, spec: ImageSpec, metas: Sequence[EpisodeMeta], workers: int, progress: bool
    ) -> None:
        if not metas:
            raise StoreError(f"{store.path} has no episodes to load; record some or run 'crl-data play'")
        require_native(store, spec)
        self._store, self._spec, self._metas = store, spec, metas
        self._workers, self._progress = workers, progress
        self.lengths = np.array([meta.steps for meta in metas], np.int64)

    @property
    def shape(self) -> Shape:
        width, height = self._spec.size
        return (int(self.lengths.sum()), height, width, 3)

    @property
    def bytes(self) -> int:
        return int(np.prod(self.shape))

    @cached_property
    def facts(self) -> dict[str, str]:
        """What names the file in a cache."""
        fingerprint = self._store.fingerprint([meta.id for meta in self._metas])
        return {"fingerprint": fingerprint, "image_spec": self._spec.hash}

    def decoded(self, writer: CacheWriter | None = None, *, load: bool = True) -> NDArray[np.uint8]:
        """Decode into memory, into the file that ``writer`` makes, or into both."""
        images = np.empty(self.shape if load else (0, *self.shape[1:]), np.uint8)
        with open_frames(self._store, self._spec, self._metas, self._workers) as reader:
            sink = writer.put if writer else None
            decode_blocks(reader, self._spec, images if load else None, sink, self._progress)
        return images

    def through(self, cache: FrameCache, load: bool) -> NDArray[np.uint8]:
        """From the cache, which gets the frames first when it lacks them. Raises OSError when it cannot have them."""
        path = cache.path(self.facts)
        found = self._find(path, load)
        if found is not None:
            return found
        cache.make_room(self.bytes, keep=path)
        with CacheWriter(path, self.shape, self.facts, block_rows(self._spec)) as writer:
            found = self._find(path, load)  # another process may have made it while this one waited
            if found is not None:
                return found
            images = self.decoded(writer, load=load)
            writer.commit()
        return images if load else map_cache(path, self.shape)

    def _find(self, path: Path, load: bool) -> NDArray[np.uint8] | None:
        try:
            images = read_cache(path, self.shape, self.facts, load, self._workers, self._progress)
        except FileNotFoundError:
            return None
        except CacheDamageError as error:
            _LOG.warning("%s; it is made again", error)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # the files used longest ago are the first to go
        return images
