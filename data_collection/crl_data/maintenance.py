"""Stores put together: merge copies episodes, migrate copies a store of an older schema version."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from crl_data.checking.episode_check import inspect_episode
from crl_data.episode import STEP_ARRAYS, EpisodeMeta
from crl_data.episode_file import EpisodeFile
from crl_data.episode_folder import EpisodeFolder
from crl_data.files import appears_whole, read_array
from crl_data.metadata import read_attributes
from crl_data.progress import progress_bar
from crl_data.schema import SCHEMA_VERSION, StoreMismatchError, StoreSpec
from crl_data.store import EPISODES, Store
from crl_robot.durable import Appender, make_folder
from crl_robot.errors import StoreError

_COPY_BYTES = 2**23


def merge(target: str | Path, sources: Sequence[str | Path], *, progress: bool = True) -> tuple[Store, int]:
    """Add every episode of ``sources`` to ``target``, which is made when missing; returns it and the number added.

    Every copy is checked before it appears. Episodes that the target holds already are skipped, so a merge that was
    cut short can be repeated.

    Raises:
        StoreMismatchError: a source holds other data than the target; nothing was copied.
        StoreError: an id stands for different data in two stores (nothing was copied), an episode is damaged, or the
            disk refused.
    """
    opened = [Store.open(source) for source in sources]
    spec = Store.open(target).spec if Path(target).exists() else opened[0].spec
    for source in opened:
        spec.require_equal(source.spec, f"store {target}", f"store {source.path}")
    store = Store.open_or_create(target, spec)
    missing = _missing(store, opened)
    with progress_bar("merging", "episodes", enabled=progress) as bar:
        for source, meta in bar.track(missing):
            _copy(source, meta, store)
    return store, len(missing)


def migrate(old: str | Path, new: str | Path, *, progress: bool = True) -> Store:
    """Copy a store of schema version 1 into a new one of the present version; the old one is not touched.

    Frames and arrays stay what they are, bit by bit. Episodes that ``new`` holds already are skipped.

    Raises:
        StoreError: ``old`` is no store of version 1 or is damaged, or the disk refused.
    """
    old = Path(old)
    attributes = read_attributes(old)
    if attributes.get("schema_version") != 1:
        version = attributes.get("schema_version")
        raise StoreError(f"{old} has schema version {version!r}, expected 1; version {SCHEMA_VERSION} is read as it is")
    store = Store.open_or_create(new, StoreSpec.from_dict(attributes | {"schema_version": SCHEMA_VERSION}))
    present = set(store.episode_ids())
    folders = [folder for folder in sorted((old / EPISODES).iterdir()) if folder.is_dir()]
    with progress_bar("migrating", "episodes", enabled=progress) as bar:
        for folder in bar.track(folders):
            if folder.name not in present:
                _migrate_episode(folder, store)
    return store


def _missing(store: Store, sources: Sequence[Store]) -> list[tuple[Store, EpisodeMeta]]:
    """What has to be copied. Raises StoreError when two stores mean different data by one id."""
    known = {meta.id: (store, meta) for meta in store.metas()}
    missing = []
    for source in sources:
        for meta in source.metas():
            owner, same = known.setdefault(meta.id, (source, meta))
            if same is meta:
                missing.append((source, meta))
            elif same.checksums != meta.checksums:
                raise StoreMismatchError(
                    f"episode '{meta.id}' of {source.path} is not the one of {owner.path}; nothing was merged, "
                    "delete one of them"
                )
    return missing


def _copy(source: Store, meta: EpisodeMeta, store: Store) -> None:
    origin = source.folder(meta.id)
    with appears_whole(store.path, store.folder(meta.id), meta.id) as folder:
        for file in sorted(origin.rglob("*")):
            if file.is_file():
                _copy_file(file, folder / file.relative_to(origin))
        damage = inspect_episode(EpisodeFolder.open(folder, store.spec)).damage
        if damage:
            raise StoreError(f"episode '{meta.id}' of {source.path} is damaged and was not merged: {damage[0]}")


def _copy_file(source: Path, target: Path) -> None:
    make_folder(target.parent)
    with source.open("rb") as file, Appender(target) as copy:
        while block := file.read(_COPY_BYTES):
            copy.write(block)


def _migrate_episode(folder: Path, store: Store) -> None:
    """One episode of version 1: all frames were one chunk, and what version 2 adds was not known."""
    attributes = read_attributes(folder)
    meta = EpisodeMeta.from_dict(attributes | {"goal_steps": ()})
    arrays = {name: read_array(folder, name, meta.checksums[name]) for name in STEP_ARRAYS if name in meta.checksums}
    with EpisodeFile(store, meta.id) as file:
        for camera in store.spec.cameras:
            _migrate_camera(folder, meta, camera, file, store)
        file.commit(meta, arrays)


def _migrate_camera(folder: Path, meta: EpisodeMeta, camera: str, file: EpisodeFile, store: Store) -> None:
    def array(name: str) -> Any:
        path = f"cameras/{camera}/{name}"
        return read_array(folder, path, meta.checksums[path])

    frames, stamps, received = array("frames"), array("stamp_ns").tolist(), array("receive_stamp_ns").tolist()
    if store.spec.camera(camera).encoding == "jpeg":
        offsets = array("offsets").astype(np.int64)
        for step in range(meta.steps):
            data = frames[offsets[step] : offsets[step + 1]].tobytes()
            file.add_jpeg(camera, data, stamps[step], received[step])
    else:
        for step in range(meta.steps):
            file.add_frame(camera, frames[step], stamps[step], received[step])
