"""A trajectory store: a folder that is a zarr v3 group, with one group per episode.

`episodes/<id>` holds plain arrays only, so `zarr.open_group` reads it without this package. An episode is there whole
or not at all, and nothing committed is rewritten. The list of the folder is the index: there is no other to go stale.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.camera_track import CameraTrack
from crl_data.episode import Episode, EpisodeMeta
from crl_data.episode_folder import EpisodeFolder, read_meta
from crl_data.files import appears_whole, refusals, write_group
from crl_data.metadata import read_attributes
from crl_data.schema import Labels, StoreSpec
from crl_data.siblings import temporary_sibling
from crl_data.words import quoted
from crl_robot.durable import make_folder, remove_tree, rename, sync
from crl_robot.errors import StoreError
from crl_robot.image_spec import ImageSpec

EPISODES = "episodes"
READERS = 8
"""Threads that read side by side: zarr hands every read to a thread of its own, and most of the time is waiting."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


class Store:
    """An open store. Reading and committing need no lock: several processes may write to one store at a time."""

    def __init__(self, path: Path, spec: StoreSpec) -> None:
        self.path = path
        self.spec = spec
        self._ids: tuple[str, ...] | None = None

    @classmethod
    def create(cls, path: str | Path, spec: StoreSpec) -> Store:
        """Make an empty store. Raises StoreError when something is there already or the disk refuses."""
        path = Path(path)
        if path.exists():
            raise StoreError(f"{path} exists already; open it, or choose another path")
        with appears_whole(path, path, "create") as folder:
            write_group(folder, {}, spec.to_dict())
            make_folder(folder / EPISODES)
            write_group(folder / EPISODES, {}, {})
        return cls(path, spec)

    @classmethod
    def open(cls, path: str | Path) -> Store:
        """Open an existing store. Raises StoreError when it is missing, no store, or of another schema version."""
        path = Path(path)
        if not path.exists():
            raise StoreError(f"{path} does not exist; record one, or make it: crl-data play out={quoted(path)}")
        if not (path / "zarr.json").is_file():
            raise StoreError(f"{path} is not a trajectory store: it has no zarr.json")
        try:
            spec = StoreSpec.from_dict(read_attributes(path, sealed=False))  # another version may seal otherwise
            read_attributes(path)
        except StoreError as error:
            raise StoreError(f"{path}: {error}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(
                f"{path} is damaged: its attributes cannot be read ({error!r}); restore zarr.json"
            ) from error
        return cls(path, spec)

    @classmethod
    def open_or_create(cls, path: str | Path, spec: StoreSpec) -> Store:
        """Open a store that must hold what ``spec`` declares (StoreMismatchError otherwise), or make it."""
        if not Path(path).exists():
            return cls.create(path, spec)
        store = cls.open(path)
        store.spec.require_equal(spec, f"store {path}", "the new recording")
        return store

    def folder(self, episode_id: str) -> Path:
        """Where an episode lies or will lie. Raises StoreError for an id that is not a plain file name."""
        if not _ID.fullmatch(episode_id):
            raise StoreError(f"episode id {episode_id!r} is not usable: up to 128 letters, digits, '_', '-', '.'")
        return self.path / EPISODES / episode_id

    def as_of_now(self) -> Store:
        """This store with the episodes that it has now: what others commit from now on is not seen in it."""
        store = Store(self.path, self.spec)
        store._ids = tuple(self.episode_ids())
        return store

    def episode_ids(self) -> list[str]:
        """Ids of all committed episodes, sorted."""
        if self._ids is not None:
            return list(self._ids)
        folder = self.path / EPISODES
        if not folder.is_dir():
            raise StoreError(f"{self.path} is damaged: it has no folder '{EPISODES}'; restore it from a copy")
        return sorted(entry.name for entry in folder.iterdir() if entry.is_dir())

    def __len__(self) -> int:
        return len(self.episode_ids())

    def meta(self, episode_id: str) -> EpisodeMeta:
        """Everything about an episode but its arrays. Raises StoreError when it is missing or damaged."""
        folder = self.folder(episode_id)
        if not folder.is_dir():
            raise StoreError(f"{self.path} has no episode '{episode_id}'; 'crl-data info --episodes' lists what it has")
        return read_meta(folder)

    def metas(self, ids: Sequence[str] | None = None) -> list[EpisodeMeta]:
        """The meta data of the given episodes, of all by default, in the order of the ids."""
        return [self.meta(episode_id) for episode_id in (self.episode_ids() if ids is None else ids)]

    def array(self, meta: EpisodeMeta, name: str) -> NDArray[Any]:
        """One checked array of an episode, by its path inside the group. Raises StoreError."""
        return EpisodeFolder(self.folder(meta.id), self.spec, meta).array(name)

    def track(self, meta: EpisodeMeta, camera: str) -> CameraTrack:
        """Where one camera's frames of an episode lie, and their stamps. Raises StoreError."""
        return EpisodeFolder(self.folder(meta.id), self.spec, meta).track(camera)

    def read(self, episode_id: str) -> Episode:
        """A whole episode, its frames still on the disk. Raises StoreError when it is missing or damaged."""
        return EpisodeFolder(self.folder(episode_id), self.spec, self.meta(episode_id)).read()

    def delete(self, episode_id: str) -> None:
        """Remove an episode: it disappears in one step, then its space is freed. Raises StoreError."""
        folder = self.folder(episode_id)
        if not folder.is_dir():
            raise StoreError(f"{self.path} has no episode '{episode_id}'; 'crl-data info --episodes' lists what it has")
        hidden = temporary_sibling(self.path, f"delete-{episode_id}")
        with refusals(self.path, hidden):
            rename(folder, hidden)
            sync(folder.parent)
            remove_tree(hidden)

    def load_array(self, name: str, ids: Sequence[str] | None = None) -> NDArray[Any]:
        """One array of all the given episodes, end to end: (N, ...). Raises StoreError."""
        return np.concatenate(self.episode_arrays(name, ids))

    def episode_arrays(self, name: str, ids: Sequence[str] | None = None) -> list[NDArray[Any]]:
        """One array of each of the given episodes. Raises StoreError."""
        return [self.array(meta, name) for meta in self._require_some(ids)]

    def load_actions(self, labels: Labels = "commanded", ids: Sequence[str] | None = None) -> NDArray[np.float32]:
        """Training labels float32 (N, 7) of all the given episodes, end to end. Raises StoreError."""
        if labels not in self.spec.labels:
            raise StoreError(f"labels are {labels!r}, the store has {', '.join(self.spec.labels)}")
        return self.load_array(f"action_{labels}", ids)

    def load_images(
        self, spec: ImageSpec, ids: Sequence[str] | None = None, *, workers: int | None = None, progress: bool = True
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Every frame of ``spec.camera`` as the network sees it, decoded once into one array, on all cores by default.

        `crl_data.serving.cache.load_frames` keeps the result for the next time, and maps sets larger than memory.

        Returns:
            images uint8 (N, h, w, 3) of all the given episodes end to end, and their lengths int64 (E,).

        Raises:
            StoreError: no such camera, another native size (StoreMismatchError), no episodes, or damage.
        """
        from crl_data.serving.loading import load_images

        return load_images(self, spec, self._require_some(ids), workers, progress)

    def fingerprint(self, ids: Sequence[str] | None = None) -> str:
        """SHA-256 over the ids and checksums of the given episodes: equal where, and only where, the data are equal."""
        digest = hashlib.sha256()
        for meta in self.metas(ids):
            digest.update(f"{meta.id}\n".encode())
            for name, value in sorted(meta.checksums.items()):
                digest.update(f"{name} {value}\n".encode())
        return digest.hexdigest()

    def _require_some(self, ids: Sequence[str] | None) -> list[EpisodeMeta]:
        metas = self.metas(ids)
        if not metas:
            raise StoreError(
                f"{self.path} has no episodes to load; make some: crl-data play out={quoted(self.path)} resume=true"
            )
        return metas
