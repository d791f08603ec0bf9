"""What is going on when a process is killed: recording, deleting, merging, migrating."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from crl_data.bench.crashes import children
from crl_data.bench.crashes.content import LONG, Content, content, episode_id, meta_of, spec, write
from crl_data.bench.crashes.processes import ChildProcess
from crl_data.bench.crashes.verify import Promises, Verdict, tree_hash, verify
from crl_data.codec import encode_jpeg
from crl_data.files import checksum, write_group
from crl_data.maintenance import merge, migrate
from crl_data.schema import Encoding, StoreSpec
from crl_data.store import EPISODES, Store
from crl_robot.durable import make_folder

NEW = LONG - 1
"""Number of the episode that is added after a crash, where it is added once."""


class Scene(ABC):
    """One store, and a child that does the same kind of work on it in every run.

    Args:
        folder: empty; belongs to the scene.
        seed: of all contents.
    """

    name: str
    runs = 1
    """How many crashes one scene goes through, one after the other."""

    def __init__(self, folder: Path, seed: int, encoding: Encoding) -> None:
        self.folder, self.seed, self.spec = folder, seed, spec(encoding)
        self.path = folder / "store with space.zarr"
        self.promises = Promises()
        folder.mkdir(parents=True)

    @abstractmethod
    def start(self, run: int, die_after: int | None = None) -> ChildProcess:
        """Start the child of one run."""

    def judge(self, run: int) -> Verdict:
        """What is left after the crash of one run."""
        return verify(self.path, self.seed, self.promises, NEW - run)

    def _filled(self, path: Path, numbers: range) -> Store:
        store = Store.create(path, self.spec)
        self.promises.kept |= {write(store, self.seed, number) for number in numbers}
        return store


class Recording(Scene):
    """Episode after episode is committed; the same store is hit several times."""

    name = "record"
    runs = 10
    episodes = 4

    def __init__(self, folder: Path, seed: int, encoding: Encoding) -> None:
        super().__init__(folder, seed, encoding)
        self._filled(self.path, range(0))

    def start(self, run: int, die_after: int | None = None) -> ChildProcess:
        numbers = range(run * self.episodes, (run + 1) * self.episodes)
        return ChildProcess(children.write_child, self.path, self.seed, numbers, die_after=die_after)

    def judge(self, run: int) -> Verdict:
        verdict = super().judge(run)
        self.promises.kept.add(episode_id(NEW - run))
        return verdict


class Deleting(Scene):
    """Most episodes of a store are deleted."""

    name = "delete"

    def __init__(self, folder: Path, seed: int, encoding: Encoding) -> None:
        super().__init__(folder, seed, encoding)
        self._filled(self.path, range(8))

    def start(self, run: int, die_after: int | None = None) -> ChildProcess:
        return ChildProcess(children.delete_child, self.path, self.seed, range(1, 7), die_after=die_after)


class Merging(Scene):
    """A store is merged into another; afterwards the merge is repeated to its end."""

    name = "merge"

    def __init__(self, folder: Path, seed: int, encoding: Encoding) -> None:
        super().__init__(folder, seed, encoding)
        self.source = folder / "source.zarr"
        source = self._prepare(range(4, 8))
        self.promises.begun |= self.promises.kept
        self.promises.kept = set()
        self._filled(self.path, range(2))
        self.before = tree_hash(self.source)
        self.added = set(source)

    def _prepare(self, numbers: range) -> list[str]:
        return self._filled(self.source, numbers).episode_ids()

    def start(self, run: int, die_after: int | None = None) -> ChildProcess:
        return ChildProcess(children.merge_child, self.path, self.source, die_after=die_after)

    def again(self) -> Store:
        """Repeat what was cut short."""
        return merge(self.path, [self.source], progress=False)[0]

    def judge(self, run: int) -> Verdict:
        verdict = super().judge(run)
        self.again()
        promises = Promises(kept=self.promises.kept | self.added, begun={episode_id(NEW - run)})
        verdict.problems += verify(self.path, self.seed, promises).problems_if_unsound()
        if tree_hash(self.source) != self.before:
            verdict.problems.append("the source was changed")
        return verdict


class Migrating(Merging):
    """A store of schema version 1 is migrated; the new store may not exist yet when the child is killed."""

    name = "migrate"

    def _prepare(self, numbers: range) -> list[str]:
        even = range(numbers.start * 2, numbers.stop * 2, 2)
        self.promises.kept = {write_version_1(self.source, self.spec, self.seed, number) for number in even}
        return sorted(self.promises.kept)

    def start(self, run: int, die_after: int | None = None) -> ChildProcess:
        return ChildProcess(children.migrate_child, self.path, self.source, die_after=die_after)

    def again(self) -> Store:
        return migrate(self.source, self.path, progress=False)


SCENES: tuple[type[Scene], ...] = (Recording, Deleting, Merging, Migrating)


def write_version_1(path: Path, store: StoreSpec, seed: int, number: int) -> str:
    """Add an episode as the first schema version laid it out: all frames of a camera are one array."""
    if not path.exists():
        make_folder(path / EPISODES)
        write_group(path, {}, store.to_dict() | {"schema_version": 1})
        write_group(path / EPISODES, {}, {})
    held = content(store, seed, number)
    arrays = dict(held.arrays)
    for camera in store.cameras:
        arrays |= {f"cameras/{camera}/{name}": array for name, array in _frames_1(held, camera, store).items()}
    meta = meta_of(held, seed, number).to_dict()
    meta = {name: value for name, value in meta.items() if name not in ("clock", "goal_steps", "operator", "robot_id")}
    sums = {name: checksum(array) for name, array in arrays.items()}
    folder = path / EPISODES / episode_id(number)
    make_folder(folder)
    write_group(folder, arrays, meta | {"steps": len(held.arrays["stamp_ns"]), "checksums": sums})
    return episode_id(number)


def _frames_1(held: Content, camera: str, store: StoreSpec) -> dict[str, Any]:
    stamps, images = held.arrays["stamp_ns"], held.images[camera]
    if store.camera(camera).encoding == "lossless":
        frames: dict[str, Any] = {"frames": images}
    else:
        files = [np.frombuffer(encode_jpeg(image, store.camera(camera).quality), np.uint8) for image in images]
        offsets = np.cumsum([0, *map(len, files)]).astype(np.uint64)
        frames = {"frames": np.concatenate(files), "offsets": offsets}
    return frames | {"stamp_ns": stamps, "receive_stamp_ns": stamps + 1}
