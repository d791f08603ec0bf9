"""The folders beside a store: what is being written, what was left over, and what waits to be accepted."""

from __future__ import annotations

import glob
import os
import re
import uuid
from pathlib import Path

from crl_data.claims import unclaimed
from crl_robot.durable import remove_tree
from crl_robot.errors import StoreError

_TEMPORARY = re.compile(r"-\d+-[0-9a-f]{8}$")
"""How names of temporary folders end; a folder that someone else named is not taken for one."""


def temporary_sibling(store: Path, name: str) -> Path:
    """A path beside ``store``, on the same file system, that no other writer uses."""
    store = store.resolve()  # a link's folder may be on another file system
    return store.with_name(f"{store.name}.partial-{name}-{os.getpid()}-{uuid.uuid4().hex[:8]}")  # see _TEMPORARY


def leftovers(store: Path) -> list[Path]:
    """Temporary folders beside ``store``: of a writer that was killed, or of one that is writing right now."""
    return [folder for folder in _siblings(store, "partial") if _TEMPORARY.search(folder.name)]


def pending_folder(store: Path, episode_id: str) -> Path:
    """Where an episode waits that is complete but was not accepted yet."""
    store = store.resolve()
    return store.with_name(f"{store.name}.pending-{episode_id}")


def pending_folders(store: Path) -> list[Path]:
    """Complete episodes beside ``store`` that wait to be accepted or discarded."""
    return _siblings(store, "pending")


def pending_id(store: Path, folder: Path) -> str:
    """The id of an episode of ``store`` that waits in ``folder``."""
    return folder.name.removeprefix(pending_folder(store, "").name)


def remove_leftovers(store: Path) -> tuple[list[Path], list[Path]]:
    """Remove temporary folders beside ``store`` that no living process writes to.

    Returns:
        What was removed, and what is being written.

    Raises:
        StoreError: a folder cannot be removed.
    """
    removed, written = [], []
    for folder in leftovers(store):
        with unclaimed(folder) as free:
            if free:
                _remove(folder)
        (removed if free else written).append(folder)
    return removed, written


def require_one_disk(store: Path, target: Path) -> None:
    """Raise StoreError when what is written beside ``store`` cannot be renamed into the folder ``target`` of it."""
    beside = store.resolve().parent
    if target.is_dir() and device(target) != device(beside):
        raise StoreError(
            f"{target} is on another disk than {beside}, where episodes are written before they are moved in; "
            "record into a folder on that disk, not into its root"
        )


def device(path: Path) -> int:
    """Number of the disk that a file or folder is on. Raises OSError."""
    return path.stat().st_dev


def _remove(folder: Path) -> None:
    try:
        remove_tree(folder)
    except OSError as error:
        raise StoreError(f"could not remove {folder}: {error}; change its permissions") from error


def _siblings(store: Path, kind: str) -> list[Path]:
    store = store.resolve()
    return sorted(store.parent.glob(f"{glob.escape(store.name)}.{kind}-*"))
