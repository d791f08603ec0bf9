"""Groups of plain zarr arrays on disk: written whole, made durable, renamed into place, read back with checksums."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import zarr
from numcodecs import Zstd
from numpy.typing import NDArray

from crl_robot.durable import make_folder, rename, sync_tree, write_file
from crl_robot.errors import StoreError

DAMAGE = (OSError, KeyError, ValueError, TypeError, RuntimeError, IndexError)
"""What JSON, zarr and its codecs raise on missing, truncated or altered files."""

BYTES_CODEC = {"name": "bytes", "configuration": {"endian": "little"}}
ZSTD_CODEC = {"name": "zstd", "configuration": {"level": 3, "checksum": False}}
_ZSTD = Zstd(level=3)


def checksum(array: NDArray[Any]) -> str:
    """SHA-256 of an array's bytes in C order."""
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def temporary_sibling(store: Path, name: str) -> Path:
    """A path beside ``store``, on the same file system, that no other writer uses."""
    store = store.resolve()  # a link's folder may be on another file system
    return store.with_name(f"{store.name}.partial-{name}-{os.getpid()}-{uuid.uuid4().hex[:8]}")


def leftovers(store: Path) -> list[Path]:
    """Temporary folders beside ``store``: of a writer that was killed, or of one that is writing right now."""
    return _siblings(store, "partial")


def pending_folder(store: Path, episode_id: str) -> Path:
    """Where an episode waits that is complete but was not accepted yet."""
    store = store.resolve()
    return store.with_name(f"{store.name}.pending-{episode_id}")


def pending_folders(store: Path) -> list[Path]:
    """Complete episodes beside ``store`` that wait to be accepted or discarded."""
    return _siblings(store, "pending")


def _siblings(store: Path, kind: str) -> list[Path]:
    store = store.resolve()
    return sorted(store.parent.glob(f"{glob.escape(store.name)}.{kind}-*"))


@contextlib.contextmanager
def refusals(store: Path, target: Path) -> Iterator[None]:
    """Turn what the disk refuses into a StoreError that says so."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"could not write {target}: {error}; {store} is unchanged, free space or choose another"
        ) from error


@contextlib.contextmanager
def appears_whole(store: Path, target: Path, name: str) -> Iterator[Path]:
    """Give a temporary folder to fill; make it durable and rename it to ``target``, or remove it on any failure.

    Raises:
        StoreError: the disk refused (full, read-only, ...) or ``target`` exists; nothing at ``target`` has changed.
    """
    folder = temporary_sibling(store, name)
    try:
        with refusals(store, target):
            make_folder(folder.parent, lasting=True)
            make_folder(folder)
            yield folder
            publish(folder, target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def publish(folder: Path, target: Path) -> None:
    """Make a complete folder durable, then let it appear under its name. Raises OSError."""
    sync_tree(folder)
    rename(folder, target)


def write_group(
    folder: Path,
    arrays: Mapping[str, NDArray[Any]],
    attributes: Mapping[str, Any],
    placed: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Write arrays (names may hold '/') and attributes as one zarr v3 group into an existing folder.

    Each array is a single chunk: an episode is only ever written and read whole, so smaller chunks would buy nothing
    and cost files, and files are what makes copying and syncing slow. The metadata are written directly, because
    zarr takes 1.4 ms for each array; tests read all of it with zarr.

    Args:
        placed: metadata, by `array_metadata`, of arrays whose chunk file lies in place already.
    """
    files = {"zarr.json": _json(_group_metadata(attributes))}
    for name, array in arrays.items():
        metadata = array_metadata(array.dtype, array.shape, array.shape, [BYTES_CODEC, ZSTD_CODEC])
        files |= {
            f"{name}/zarr.json": _json(metadata),
            f"{name}/{chunk_name(array.ndim)}": _ZSTD.encode(np.ascontiguousarray(array)),
        }
    for name, metadata in (placed or {}).items():
        files[f"{name}/zarr.json"] = _json(metadata)
    for parent in {str(parent) for name in files for parent in PurePosixPath(name).parents} - {"."}:
        files.setdefault(f"{parent}/zarr.json", _json(_group_metadata({})))
    for name, data in files.items():
        make_folder((folder / name).parent)
        write_file(folder / name, data)


def array_metadata(
    dtype: np.dtype[Any], shape: tuple[int, ...], chunk: tuple[int, ...], codecs: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The zarr.json of an array (https://zarr-specs.readthedocs.io, "Zarr core specification version 3")."""
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(chunk)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
        "fill_value": 0,
        "codecs": list(codecs),
        "attributes": {},
    }


def chunk_name(dimensions: int) -> str:
    """File of an array's only chunk, beside its zarr.json."""
    return ".".join(["c", *["0"] * dimensions])


def _group_metadata(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {"zarr_format": 3, "node_type": "group", "attributes": dict(attributes)}


def _json(metadata: Mapping[str, Any]) -> bytes:
    return json.dumps(metadata, indent=2).encode()


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
        array = _read_single_chunk(folder / name)
    except DAMAGE as error:
        raise StoreError(f"{folder / name} is missing or damaged ({error}); run 'crl-data check'") from error
    if checksum(array) != expected:
        raise StoreError(f"{folder / name} is damaged: its checksum is not the recorded one; restore it from a copy")
    return array


def _read_single_chunk(folder: Path) -> NDArray[Any]:
    """An array as `write_group` lays it out, read ten times as fast as by zarr; zarr reads any other layout."""
    metadata = json.loads((folder / "zarr.json").read_bytes())
    shape, codecs = tuple(metadata["shape"]), [codec["name"] for codec in metadata["codecs"]]
    chunk = folder / chunk_name(len(shape))
    whole = tuple(metadata["chunk_grid"]["configuration"]["chunk_shape"]) == shape
    if not (whole and codecs in (["bytes"], ["bytes", "zstd"]) and chunk.is_file()):
        return np.asarray(zarr.open_array(folder, mode="r")[...])
    data = chunk.read_bytes()
    raw = _ZSTD.decode(data) if "zstd" in codecs else data
    return np.frombuffer(raw, np.dtype(metadata["data_type"]).newbyteorder("<")).reshape(shape)
