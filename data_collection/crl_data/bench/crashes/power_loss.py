"""The power fails after every single operation of a session: what the disk may hold then is laid out and looked at."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from crl_data.bench.crashes.content import content, episode_id, fill, meta_of, spec, write
from crl_data.bench.crashes.disk_model import DiskModel, Loss, Tree
from crl_data.bench.crashes.verify import Promises, Verdict, verify
from crl_data.episode_file import EpisodeFile
from crl_data.maintenance import merge
from crl_data.schema import Encoding
from crl_data.store import Store
from crl_robot import durable

STORE = "a.zarr"
DRAWS: tuple[tuple[Loss, int], ...] = (("none", 1), ("all", 2), ("random", 4))
"""How many states are drawn of each kind after each operation."""
APPEND_EVERY = 10
"""An episode is added to every n-th state; it always takes the same way."""

Row = dict[str, Any]


@dataclass
class Recording:
    """Operations and promises of a session, in order: ('disk', operation, path, ...) or ('told', kind, name)."""

    root: Path
    seed: int
    events: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def operations(self) -> int:
        """How many operations the disk was asked for."""
        return sum(event[0] == "disk" for event in self.events)

    def tell(self, kind: str, name: str) -> None:
        """Note a promise."""
        self.events.append(("told", kind, name))

    def note(self, operation: str, path: Path, *facts: Any) -> None:
        """Note an operation; buffers are copied, because they may be used again."""
        kept = tuple(bytes(fact) if isinstance(fact, memoryview) else fact for fact in facts)
        self.events.append(("disk", operation, path, *kept))


def record_session(root: Path, source: Path, seed: int, encoding: Encoding, *, short: bool = False) -> Recording:
    """Create, commit, accept, delete and merge (from ``source``) below ``root``, and keep the sequence.

    Raises StoreError when the disk refuses.
    """
    native, cameras = ((16, 12), ("wrist",)) if short else ((48, 32), ("over_shoulder", "wrist"))
    kind = spec(encoding, native, cameras)
    other = Store.create(source, kind)
    merged = [write(other, seed, number) for number in ((4,) if short else (4, 5))]
    recording = Recording(root, seed)
    with durable.observe(recording.note):
        store = Store.create(root / STORE, kind)
        recording.tell("created", "")
        for number in (0, 1) if short else (0, 1, 2):
            _commit(recording, store, number)
        _accept(recording, store, 3)
        recording.tell("deleting", episode_id(0))
        store.delete(episode_id(0))
        recording.tell("deleted", episode_id(0))
        for name in merged:
            recording.tell("begin", name)
        merge(store.path, [source], progress=False)
        for name in merged:
            recording.tell("committed", name)
    return recording


def _commit(recording: Recording, store: Store, number: int) -> None:
    recording.tell("begin", episode_id(number))
    write(store, recording.seed, number)
    recording.tell("committed", episode_id(number))


def _accept(recording: Recording, store: Store, number: int) -> None:
    held = content(store.spec, recording.seed, number)
    recording.tell("begin", episode_id(number))
    with EpisodeFile(store, episode_id(number)) as file:
        fill(file, held)
        file.finish(meta_of(held, recording.seed, number), held.arrays)
        recording.tell("finished", episode_id(number))
        file.accept(success=True)
    recording.tell("committed", episode_id(number))


def power_loss_rows(
    recording: Recording,
    folder: Path,
    seed: int,
    draws: tuple[tuple[Loss, int], ...] = DRAWS,
    *,
    every: int = 1,
    advance: Callable[[], object] = lambda: None,
) -> Iterator[Row]:
    """Cut the power after every ``every``-th operation, and judge each different state that may be left.

    Args:
        folder: where states are laid out, one at a time; its own.
        draws: how many states of each kind are drawn after each operation.
        advance: called after each operation.
    """
    rng, seen = np.random.default_rng((seed, 5)), set[str]()
    for after, operation, model, promises, created in _prefixes(recording):
        advance()
        losses: list[Loss] = [loss for loss, count in draws for _ in range(count)]
        for loss in losses if after % every == 0 else ():
            tree = model.draw(loss, rng)
            key = _key(tree, promises, created=created)
            if key in seen:
                continue
            seen.add(key)
            row = {"work": "power loss", "seed": recording.seed, "after": after, "operation": operation, "loss": loss}
            append = len(seen) % APPEND_EVERY == 0
            verdict = judge(tree, folder, recording.seed, promises, created=created, append=append)
            yield row | verdict.row(promises)


def _prefixes(recording: Recording) -> Iterator[tuple[int, str, DiskModel, Promises, bool]]:
    """After each operation: its number and name, the disk, what was promised, and whether the store was."""
    model, promises, created, done = DiskModel(recording.root), Promises(), False, 0
    for event in recording.events:
        if event[0] == "told":
            promises.hear([event[1:]])
            created |= event[1] == "created"
        else:
            model.follow(event[1], *event[2:])
            done += 1
            yield done, event[1], model, promises, created


def judge(tree: Tree, folder: Path, seed: int, promises: Promises, *, created: bool, append: bool) -> Verdict:
    """Lay a state out and look at its store."""
    lay_out(tree, folder)
    path = folder / STORE
    try:
        if not created and not path.exists():
            return Verdict(state={"visible": 0})
        kept = Promises(set(promises.kept), set(promises.waiting), set(promises.begun), set(promises.gone))
        return verify(path, seed, kept, 9 if append else None)
    finally:
        shutil.rmtree(folder)


def lay_out(tree: Tree, folder: Path) -> None:
    """Write a state to a folder that does not exist yet."""
    folder.mkdir(parents=True)
    for name, data in tree.items():
        if data is None:
            (folder / name).mkdir()
        else:
            (folder / name).write_bytes(data)


def memory_folder(otherwise: Path) -> Path:
    """A place where syncing costs nothing, since these states are laid out only to be looked at."""
    shared = Path("/dev/shm")
    return shared / f"crl-power-loss-{os.getpid()}" if os.access(shared, os.W_OK) else otherwise


def _key(tree: Tree, promises: Promises, *, created: bool) -> str:
    """Equal for equal states with equal promises."""
    digest = hashlib.sha256(repr((created, *map(sorted, vars(promises).values()))).encode())
    for name in sorted(tree):
        digest.update(name.encode() + b"\0")
        digest.update(b"folder" if (data := tree[name]) is None else hashlib.sha256(data).digest())
    return digest.hexdigest()
