"""The formats that `crl-bench store` measures, behind one small interface: write episodes, read frames, read all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import ZstdCodec

from crl_data.codec import ZSTD_LEVEL
from crl_data.episode import EpisodeMeta
from crl_data.episode_file import EpisodeFile
from crl_data.schema import CameraSpec, Encoding, StoreSpec
from crl_data.serving.frames import FrameReader
from crl_data.store import Store
from crl_robot.contracts import ACTION_DIM, ActionSpec
from crl_robot.image_spec import ImageSpec

THREADS = 2
CAMERA = "camera"
STEP_NS = 200_000_000
Frames = NDArray[np.uint8]
Vectors = NDArray[np.float32]


class Format(Protocol):
    """One data set in one format, in a folder of its own."""

    def write(self, episode: int, images: Frames, states: Vectors, actions: Vectors) -> None:
        """Add an episode: uint8 (T, H, W, 3), float32 (T, 7) each."""
        ...

    def finish(self) -> None:
        """All episodes are written: make them readable."""
        ...

    def frames(self, indices: NDArray[np.int64], out: Frames) -> None:
        """Frames at ``indices`` of all episodes end to end, from the disk, with up to THREADS threads."""
        ...

    def load(self) -> Frames:
        """All frames in memory, uint8 (N, H, W, 3)."""
        ...

    def close(self) -> None:
        """Release files and threads."""
        ...


class OurStore:
    """This project's store; everything is synced to the disk before an episode appears."""

    def __init__(self, folder: Path, size: int, steps: int, encoding: Encoding) -> None:
        joints = tuple(f"joint_{number}" for number in range(ACTION_DIM))
        spec = StoreSpec(ActionSpec(), {CAMERA: CameraSpec((size, size), encoding)}, "bench", joints, ("commanded",))
        self._store = Store.create(folder / "store.zarr", spec)
        self._image_spec = ImageSpec(CAMERA, (size, size), (0, 0, size, size), (size, size))

    def write(self, episode: int, images: Frames, states: Vectors, actions: Vectors) -> None:
        """See `Format`."""
        stamps = np.arange(len(images), dtype=np.int64) * STEP_NS
        with EpisodeFile(self._store, f"{episode:06d}") as file:
            for image, stamp in zip(images, stamps, strict=True):
                file.add_frame(CAMERA, image, int(stamp), int(stamp))
            arrays = {"stamp_ns": stamps, "action_commanded": actions, "joints": states.astype(np.float64)}
            file.commit(EpisodeMeta("", "bench"), arrays)

    def finish(self) -> None:
        """See `Format`."""
        self._reader = FrameReader(self._store, CAMERA, self._store.metas(), THREADS)

    def frames(self, indices: NDArray[np.int64], out: Frames) -> None:
        """See `Format`."""
        self._reader.read(indices, out)

    def load(self) -> Frames:
        """See `Format`."""
        return self._store.load_images(self._image_spec, workers=THREADS, progress=False)[0]

    def close(self) -> None:
        """See `Format`."""
        self._reader.close()


class Hdf5:
    """One HDF5 file, a group for each episode, contiguous arrays without compression; nothing is synced."""

    def __init__(self, folder: Path, size: int, steps: int, h5py: ModuleType) -> None:
        self._steps = steps
        self._file: Any = h5py.File(folder / "data.h5", "w")

    def write(self, episode: int, images: Frames, states: Vectors, actions: Vectors) -> None:
        """See `Format`."""
        group = self._file.create_group(f"{episode:06d}")
        for name, array in {"images": images, "states": states, "actions": actions}.items():
            group.create_dataset(name, data=array)

    def finish(self) -> None:
        """See `Format`."""
        self._file.flush()
        self._images = [self._file[name]["images"] for name in sorted(self._file)]

    def frames(self, indices: NDArray[np.int64], out: Frames) -> None:
        """See `Format`; in one thread, because the library lets in one at a time."""
        for row, index in enumerate(indices):
            episode, step = divmod(int(index), self._steps)
            out[row] = self._images[episode][step]  # twice as fast as read_direct

    def load(self) -> Frames:
        """See `Format`."""
        first = self._images[0]
        loaded = np.empty((len(self._images) * self._steps, *first.shape[1:]), np.uint8)
        for number, images in enumerate(self._images):
            images.read_direct(loaded, dest_sel=np.s_[number * self._steps : (number + 1) * self._steps])
        return loaded

    def close(self) -> None:
        """See `Format`."""
        self._file.close()


class PlainZarr:
    """A zarr v3 array for each episode as zarr-python writes and reads it; nothing is synced.

    Args:
        chunk: frames that are compressed together; 0 for single frames in one shard for each episode.
    """

    def __init__(self, folder: Path, size: int, steps: int, chunk: int) -> None:
        self._steps, self._chunk = steps, chunk
        self._group = zarr.create_group(folder / "data.zarr", zarr_format=3)
        self._arrays: list[Any] = []
        self._pool = ThreadPoolExecutor(THREADS)

    def write(self, episode: int, images: Frames, states: Vectors, actions: Vectors) -> None:
        """See `Format`."""
        shards = images.shape if self._chunk == 0 else None
        array = self._group.create_array(
            f"{episode:06d}/images",
            shape=images.shape,
            dtype=np.uint8,
            chunks=(max(1, self._chunk), *images.shape[1:]),
            shards=shards,
            compressors=ZstdCodec(level=ZSTD_LEVEL, checksum=True),
        )
        array[...] = images
        for name, vectors in {"states": states, "actions": actions}.items():
            self._group.create_array(f"{episode:06d}/{name}", data=vectors)
        self._arrays.append(array)

    def finish(self) -> None:
        """See `Format`."""

    def frames(self, indices: NDArray[np.int64], out: Frames) -> None:
        """See `Format`."""

        def read(row: int) -> None:
            episode, step = divmod(int(indices[row]), self._steps)
            out[row] = self._arrays[episode][step]

        list(self._pool.map(read, range(len(indices))))

    def load(self) -> Frames:
        """See `Format`."""
        return np.concatenate([np.asarray(array[...]) for array in self._arrays])

    def close(self) -> None:
        """See `Format`."""
        self._pool.shutdown()
