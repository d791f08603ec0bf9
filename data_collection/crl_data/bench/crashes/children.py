"""What runs in a process that will be killed: each writes to stores and tells through a pipe what it has promised.

A promise is told after the call returned, so the parent knows of at least every promise that it holds a child to.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

from crl_data.bench.crashes.content import content, episode_id, fill, meta_of
from crl_data.episode_file import EpisodeFile
from crl_data.maintenance import merge, migrate
from crl_data.store import Store
from crl_robot import durable
from crl_robot.errors import StoreError


@contextmanager
def watched(pipe: Connection, die_after: int | None) -> Iterator[None]:
    """Tell that it starts, count the operations on the disk, and die after the given one."""
    done = 0

    def count(*_: Any) -> None:
        nonlocal done
        done += 1
        if done == die_after:
            os.kill(os.getpid(), signal.SIGKILL)

    signal.signal(signal.SIGTERM, _leave)
    pipe.send(("ready", ""))
    with durable.observe(count):
        yield
    pipe.send(("operations", done))


def write_child(pipe: Connection, die_after: int | None, path: Path, seed: int, numbers: range) -> None:
    """Commit one episode after the other; every third is finished first and accepted then."""
    with watched(pipe, die_after):
        store = Store.open(path)
        for number in numbers:
            commit_told(pipe, store, seed, number)


def commit_told(pipe: Connection, store: Store, seed: int, number: int) -> None:
    """Commit an episode and tell before and after."""
    held, name = content(store.spec, seed, number), episode_id(number)
    pipe.send(("begin", name))
    with EpisodeFile(store, name) as file:
        fill(file, held)
        if number % 3:
            file.commit(meta_of(held, seed, number), held.arrays)
        else:
            file.finish(meta_of(held, seed, number), held.arrays)
            pipe.send(("finished", name))
            file.accept(success=True)
    pipe.send(("committed", name))


def delete_child(pipe: Connection, die_after: int | None, path: Path, seed: int, numbers: range) -> None:
    """Delete one episode after the other."""
    with watched(pipe, die_after):
        store = Store.open(path)
        for number in numbers:
            pipe.send(("deleting", episode_id(number)))
            store.delete(episode_id(number))
            pipe.send(("deleted", episode_id(number)))


def merge_child(pipe: Connection, die_after: int | None, path: Path, source: Path) -> None:
    """Merge a store into another."""
    with watched(pipe, die_after):
        merge(path, [source], progress=False)
        pipe.send(("merged", ""))


def migrate_child(pipe: Connection, die_after: int | None, path: Path, old: Path) -> None:
    """Migrate a store of schema version 1."""
    with watched(pipe, die_after):
        migrate(old, path, progress=False)
        pipe.send(("merged", ""))


def rival_child(pipe: Connection, die_after: int | None, path: Path, seed: int, numbers: range) -> None:
    """Write beside another writer; an id that the other has is refused and told."""
    with watched(pipe, die_after):
        store = Store.open(path)
        pipe.recv()  # both start at the same moment
        for number in numbers:
            try:
                commit_told(pipe, store, seed, number)
            except StoreError as error:
                pipe.send(("refused", f"{episode_id(number)} {error}"))


def starving_child(pipe: Connection, die_after: int | None, path: Path, seed: int, room: int, numbers: range) -> None:
    """Write with ``room`` bytes of memory left until it runs out, then with enough memory again."""
    import resource

    import cv2

    with watched(pipe, die_after):
        store = Store.open(path)
        commit_told(pipe, store, seed, numbers[0])
        limits = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (_address_space() + room, limits[1]))
        try:
            for number in numbers[1:-1]:
                commit_told(pipe, store, seed, number)
        except (MemoryError, StoreError, RuntimeError, cv2.error) as error:  # of numpy, ours, zstd, OpenCV
            resource.setrlimit(resource.RLIMIT_AS, limits)
            pipe.send(("starved", type(error).__name__))
        resource.setrlimit(resource.RLIMIT_AS, limits)
        commit_told(pipe, store, seed, numbers[-1])


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


Child = Callable[..., None]
"""Called with a pipe, the operation to die after, and arguments of its own."""
