"""Disks that cannot be written, memory that runs out, two writers of the same: refused, and nothing changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from crl_data.bench.crashes import children
from crl_data.bench.crashes.content import ENCODINGS, LONG, episode_id, spec, write
from crl_data.bench.crashes.processes import ChildProcess
from crl_data.bench.crashes.small_disk import small_disk
from crl_data.bench.crashes.verify import Promises, tree_hash, verify
from crl_data.checking.check import SOUND, check_store
from crl_data.checking.repair import repair_store
from crl_data.episode_file import EpisodeFile
from crl_data.maintenance import merge
from crl_data.store import Store
from crl_robot.errors import StoreError

Row = dict[str, Any]
MEGABYTE = 2**20


def read_only_row(seed: int, folder: Path) -> Row:
    """Every way to change a store on a disk that became read-only. Raises StoreError where none can be mounted."""
    with small_disk(folder / "read-only") as disk:
        store = Store.create(disk.folder / "a.zarr", spec("jpeg"))
        promises = Promises(kept={write(store, seed, number) for number in range(2)})
        other = Store.create(folder / "other.zarr", spec("jpeg"))
        write(other, seed, 2)
        before = tree_hash(disk.folder)
        disk.write_protect()
        attempts = {
            "write": lambda: write(store, seed, 3),
            "start": lambda: EpisodeFile(store, "late").frames("wrist"),
            "delete": lambda: store.delete(episode_id(0)),
            "merge": lambda: merge(store.path, [other.path], progress=False),
            "create": lambda: Store.create(disk.folder / "b.zarr", spec("jpeg")),
        }
        problems = [f"{name} did not refuse" for name, attempt in attempts.items() if not _refuses(attempt)]
        problems += [] if check_store(store.path, progress=False).exit_code == SOUND else ["check finds fault"]
        problems += [] if not repair_store(store.path).removed else ["repair removed something"]
        verdict = verify(store.path, seed, promises)
        verdict.problems += problems + (["the disk was changed"] if tree_hash(disk.folder) != before else [])
        return {"work": "read-only", "seed": seed, "means": "tmpfs remounted read-only", **verdict.row(promises)}


def memory_rows(runs: int, seed: int, folder: Path) -> Iterator[Row]:
    """Children whose address space may grow by a random number of bytes only while they write large frames."""
    rng = np.random.default_rng((seed, 3))
    for run in range(runs):
        run_seed, room = int(rng.integers(2**31)), int(rng.integers(0, 16 * MEGABYTE))
        encoding = ENCODINGS[run % 2]
        path = folder / f"memory-{run}.zarr"
        Store.create(path, spec(encoding, (640, 480)))
        numbers = range(3 * LONG, 3 * LONG + 5)
        child = ChildProcess(children.starving_child, path, run_seed, room, numbers)
        words = child.end()
        promises = Promises()
        promises.hear(words.told)
        verdict = verify(path, run_seed, promises, LONG - 1)
        row = {"work": "memory", "encoding": encoding, "seed": run_seed, "room": room, "exit_code": words.exit_code}
        yield row | {"refusal": ", ".join(words.of("starved")), **verdict.row(promises)}


def rival_rows(runs: int, seed: int, folder: Path) -> Iterator[Row]:
    """Two processes that write to one store at a time: every second run they want the same ids."""
    rng = np.random.default_rng((seed, 4))
    for run in range(runs):
        run_seed, same = int(rng.integers(2**31)), run % 2 == 1
        path = folder / f"rivals-{run}.zarr"
        Store.create(path, spec(ENCODINGS[run // 2 % 2]))
        numbers = [range(12), range(12) if same else range(12, 24)]
        rivals = [ChildProcess(children.rival_child, path, run_seed, wanted) for wanted in numbers]
        for rival in rivals:
            rival.pipe.send("go")
        told = [rival.end() for rival in rivals]
        promises = Promises()
        for words in told:
            promises.hear(words.told)
        verdict = verify(path, run_seed, promises, LONG - 1)
        refused = [refusal for words in told for refusal in words.of("refused")]
        verdict.problems += _rivalry(told, refused, same=same)
        row = {"work": "two writers", "seed": run_seed, "same_ids": same, "refused": len(refused)}
        yield row | verdict.row(promises)


def _rivalry(told: list[Any], refused: list[str], *, same: bool) -> list[str]:
    """Each id must be promised by exactly one of the two."""
    committed = [name for words in told for name in words.of("committed")]
    problems = [] if len(set(committed)) == len(committed) else ["one id was committed twice"]
    if len(committed) + len(refused) != 24 or (refused and not same):
        problems.append(f"{len(committed)} episodes were committed and {len(refused)} refused")
    return problems


def _refuses(attempt: Any) -> bool:
    try:
        attempt()
    except StoreError:
        return True
    return False
