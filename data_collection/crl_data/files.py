"""Groups of plain zarr arrays on disk: written whole, made durable, renamed into place, read back with checksums."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import ZstdCodec

from crl_robot.durable import sync
from crl_robot.errors import StoreError

MAX_CHUNK_BYTES = 2**30
"""Compressors refuse buffers of 2 GiB; only lossless episodes of thousands of frames come near it."""

DAMAGE = (OSError, KeyError, ValueError, TypeError, RuntimeError)
"""What zarr and its codecs raise on missing, truncated or altered files."""


def checksum(array: NDArray[Any]) -> str:
    """SHA-256 of an array's bytes in C order."""
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def temporary_sibling(store: Path, name: str) -> Path:
    """A path beside ``store``, on the same file system, that no other writer uses."""
    store = store.resolve()  # a link's folder may be on another file system
    return store.with_name(f"{store.name}.partial-{name}-{os.getpid()}-{uuid.uuid4().hex[:8]}")


def leftovers(store: Path) -> list[Path]:
    """Temporary folders beside ``store``: of a writer that was killed, or of one that is committing right now."""
    store = store.resolve()
    return sorted(store.parent.glob(f"{glob.escape(store.name)}.partial-*"))


@contextlib.contextmanager
def appears_whole(store: Path, target: Path, name: str) -> Iterator[Path]:
    """Give a temporary folder to fill; make it durable and rename it to ``target``, or remove it on any failure.

    Raises:
        StoreError: the disk refused (full, read-only, ...) or ``target`` exists; nothing at ``target`` has changed.
    """
    folder = temporary_sibling(store, name)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        yield folder
        _sync_tree(folder)
        os.rename(folder, target)  # noqa: PTH104 - Path.rename would hide that this is the one atomic step
        sync(target.parent)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise StoreError(
            f"could not write {target}: {error}; {store} is unchanged, free space or choose another"
        ) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def write_group(
    folder: Path, arrays: Mapping[str, NDArray[Any]], attributes: dict[str, Any], *, plain: set[str]
) -> None:
    """Write arrays (names may hold '/') and attributes as one zarr v3 group.

    Each array is a single chunk: an episode is only ever written and read whole, so smaller chunks would buy nothing
    and cost files, and files are what makes copying and syncing slow. Arrays named in ``plain`` are not compressed.
    """
    group = zarr.create_group(folder, zarr_format=3, attributes=attributes)
    for name, array in arrays.items():
        rows = max(1, min(len(array), MAX_CHUNK_BYTES // max(1, array[:1].nbytes)))
        compressors = None if name in plain else ZstdCodec(level=3)
        group.create_array(
            name,
            data=array,
            chunks=(rows, *array.shape[1:]),
            compressors=compressors,
            chunk_key_encoding={"name": "default", "separator": "."},  # a file beside zarr.json, not a folder tree
        )


def read_attributes(folder: Path) -> dict[str, Any]:
    """Attributes of a group. Raises StoreError when it cannot be read.

    The JSON is read directly: opening a group with zarr takes ten times as long, and stores have thousands.
    """
    try:
        metadata = json.loads((folder / "zarr.json").read_bytes())
        if metadata["zarr_format"] != 3 or metadata["node_type"] != "group":
            raise ValueError("it is not a group of zarr format 3")
        return dict(metadata["attributes"])
    except DAMAGE as error:
        raise StoreError(f"{folder} is not a readable zarr group ({error!r}); run 'crl-data check'") from error


def read_array(folder: Path, name: str, expected: str) -> NDArray[Any]:
    """One whole array of a group. Raises StoreError when it is missing, damaged or its checksum is another."""
    try:
        array = np.asarray(zarr.open_array(folder / name, mode="r")[...])
    except DAMAGE as error:
        raise StoreError(f"{folder / name} is missing or damaged ({error}); run 'crl-data check'") from error
    if checksum(array) != expected:
        raise StoreError(f"{folder / name} is damaged: its checksum is not the recorded one; restore it from a copy")
    return array


def _sync_tree(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for name in names:
            sync(Path(parent, name))
        sync(Path(parent))
