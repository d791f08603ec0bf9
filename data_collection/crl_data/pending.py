"""A complete episode that waits beside its store: into the store with it, or away."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from crl_data.episode import EpisodeMeta
from crl_data.files import refusals
from crl_data.metadata import group_json, read_attributes
from crl_data.siblings import pending_folder, temporary_sibling
from crl_data.store import Store
from crl_data.words import quoted
from crl_robot.durable import leftover_of, remove_file, remove_tree, rename, replace_file, sync
from crl_robot.errors import StoreError


def accept_pending(store: Store, episode_id: str, **changes: Any) -> None:
    """Let a pending episode appear in the store, with these attributes changed. Raises StoreError."""
    folder, target = pending_folder(store.path, episode_id), store.folder(episode_id)
    if not folder.is_dir() or target.exists():
        state = "is in the store already" if target.exists() else "is not pending"
        raise StoreError(
            f"episode '{episode_id}' {state}; what is pending is listed by: crl-data check {quoted(store.path)}"
        )
    with refusals(store.path, target):
        remove_file(leftover_of(folder / "zarr.json"))  # of somebody who was killed while accepting it
        if changes:
            _rewrite_attributes(folder, changes)
        rename(folder, target)
        with contextlib.suppress(OSError):  # the old name may come back after a power loss; check then lists it
            sync(folder.parent)


def discard_pending(store: Store, episode_id: str) -> None:
    """Remove a pending episode. Raises StoreError when it cannot be removed."""
    folder = temporary_sibling(store.path, f"discard-{episode_id}")
    try:
        rename(pending_folder(store.path, episode_id), folder)
        remove_tree(folder)
    except OSError as error:
        raise StoreError(f"could not remove pending episode '{episode_id}': {error}") from error


def _rewrite_attributes(folder: Path, changes: Mapping[str, Any]) -> None:
    """Change attributes of a group in one step: the file is replaced by a complete new one."""
    meta = replace(EpisodeMeta.from_dict(read_attributes(folder)), **changes)
    replace_file(folder / "zarr.json", group_json(meta.to_dict()))
