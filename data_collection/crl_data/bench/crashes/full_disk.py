"""Disks that run full at random points: the writer says so, nothing committed changes, and it can be tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from crl_data.bench.crashes.content import ENCODINGS, Content, content, episode_id, fill, meta_of, spec, write
from crl_data.bench.crashes.small_disk import SmallDisk, small_disk
from crl_data.bench.crashes.verify import Promises, verify
from crl_data.episode_file import EpisodeFile
from crl_data.store import Store
from crl_robot.errors import StoreError

ROOM = 500_000
"""Largest room that is left, in bytes: three episodes or so."""
COMMITTED = 2
Row = dict[str, Any]


def full_disk_rows(runs: int, seed: int, folder: Path) -> Iterator[Row]:
    """Fill as many small disks, every third in its number of files. Raises StoreError where none can be mounted."""
    rng = np.random.default_rng((seed, 2))
    for run in range(runs):
        run_seed, files = int(rng.integers(2**31)), run % 3 == 2
        room = int(rng.integers(1, 100)) if files else int(rng.integers(0, ROOM))
        row: Row = {"work": "full disk", "encoding": ENCODINGS[run % 2], "seed": run_seed}
        row["files_left" if files else "room"] = room
        with small_disk(folder / f"disk-{run}", f",nr_inodes={110 + room}" if files else "") as disk:
            yield row | _fill_up(disk, row, rng)


def _fill_up(disk: SmallDisk, row: Row, rng: np.random.Generator) -> Row:
    seed = row["seed"]
    store = Store.create(disk.folder / "a.zarr", spec(row["encoding"], (120, 90), ("wrist",)))
    promises = Promises(kept={write(store, seed, number) for number in range(COMMITTED)})
    if "room" in row:
        disk.fill(row["room"])
    refusals: list[str] = []
    number = COMMITTED
    while not refusals:
        promises.begun = {episode_id(number)}
        attempt = _Attempt(store, seed, number, accept=bool(rng.integers(2)))
        attempt.run(lambda error: _make_room(disk, store, error, refusals))
        promises.kept.add(episode_id(number))
        number += 1
    verdict = verify(store.path, seed, promises, number)
    verdict.problems += [] if len(refusals) == 1 else [f"refused again with space: {refusals[1]}"]
    return {"refusal": refusals[0], **verdict.row(promises)}


def _make_room(disk: SmallDisk, store: Store, error: StoreError, refusals: list[str]) -> None:
    refusals.append(str(error).replace(str(disk.folder), "DISK"))
    if len(refusals) > 2:
        raise error
    disk.free()
    if "nr_inodes" in disk.options:
        disk.allow_more_files()


class _Attempt:
    """One episode that is recorded however often the disk refuses."""

    def __init__(self, store: Store, seed: int, number: int, *, accept: bool) -> None:
        self._file = EpisodeFile(store, episode_id(number))
        self._held: Content = content(store.spec, seed, number)
        self._meta = meta_of(self._held, seed, number)
        self._accept = accept

    def run(self, refused: Callable[[StoreError], None]) -> None:
        """Add the frames and commit; call ``refused`` and go on where it stopped."""
        while not self._try(self._add_rest, refused):
            pass
        if not self._accept:
            while not self._try(lambda: self._file.commit(self._meta, self._held.arrays), refused):
                pass
            return
        while not self._try(lambda: self._file.finish(self._meta, self._held.arrays), refused):
            pass
        while not self._try(lambda: self._file.accept(success=False), refused):
            pass

    def _add_rest(self) -> None:
        fill(self._file, self._held, len(self._file.frames("wrist")))

    def _try(self, do: Callable[[], object], refused: Callable[[StoreError], None]) -> bool:
        try:
            do()
        except StoreError as error:
            refused(error)
            return False
        return True
