"""After a crash: is every promise kept, is the rest whole, and do check, repair and a new writer end as documented?"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crl_data.bench.crashes.content import difference, number_of, write
from crl_data.checking.check import DAMAGED, SOUND, check_store
from crl_data.checking.repair import repair_store
from crl_data.pending import accept_pending
from crl_data.siblings import leftovers, pending_folders, pending_id
from crl_data.store import Store
from crl_robot.errors import StoreError


@dataclass
class Promises:
    """What a store must hold after a crash, by episode id.

    Attributes:
        kept: a commit returned: it must be there.
        waiting: finish returned: it must be there or beside the store.
        begun: anything else that may be there, whole.
        gone: a deletion returned: it must not be there.
    """

    kept: set[str] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)

    def hear(self, told: list[tuple[str, str]]) -> None:
        """Take in what a child told, in order."""
        for kind, name in told:
            if kind == "begin":
                self.begun.add(name)
            elif kind == "finished":
                self.waiting.add(name)
            elif kind == "committed":
                self.kept.add(name)
            elif kind == "deleting":
                self.kept.discard(name)
                self.waiting.discard(name)
                self.begun.add(name)
            elif kind == "deleted":
                self.gone.add(name)
                self.begun.discard(name)


@dataclass
class Verdict:
    """What was found.

    Attributes:
        lost, changed: episodes that were promised and are not there, or not what they were.
        problems: anything else that is not as documented.
        state: what was on the disk, for the record.
    """

    lost: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    state: dict[str, int] = field(default_factory=dict)

    @property
    def sound(self) -> bool:
        """Whether everything was kept."""
        return not (self.lost or self.changed or self.problems)

    def row(self, promises: Promises) -> dict[str, Any]:
        """All of it, for the record."""
        return {
            "promised": len(promises.kept | promises.waiting),
            **self.state,
            "lost": self.lost,
            "changed": self.changed,
            "problems": self.problems,
        }

    def problems_if_unsound(self) -> list[str]:
        """Everything that is wrong, as problems of a larger verdict."""
        return [self.words()] if not self.sound else []

    def words(self) -> str:
        """Everything that is wrong, '' when nothing is."""
        changed = [f"changed {name}" for name in self.changed]
        return "; ".join([*(f"lost {name}" for name in self.lost), *changed, *self.problems])


def verify(path: Path, seed: int, promises: Promises, next_number: int | None = None) -> Verdict:
    """Look at a store after a crash, repair it, and append an episode of the next number."""
    verdict = Verdict()
    try:
        store = Store.open(path)
        visible = store.episode_ids()
    except StoreError as error:
        verdict.problems.append(f"cannot be opened: {error}")
        return verdict
    waiting = {pending_id(path, folder) for folder in pending_folders(path)}
    verdict.lost = sorted((promises.kept - set(visible)) | (promises.waiting - set(visible) - waiting))
    verdict.problems += [f"{name} came back" for name in sorted(promises.gone & set(visible))]
    allowed = promises.kept | promises.waiting | promises.begun | promises.gone
    for name in visible:
        found = difference(store, seed, name) if name in allowed else "nobody wrote it"
        verdict.changed += [f"{name}: {found}"] if found else []
    verdict.state = {"visible": len(visible), "left_over": len(leftovers(path)), "waiting": len(waiting)}
    _repair(path, verdict)
    _accept_all(store, seed, waiting, promises, verdict)
    if next_number is not None:
        _append(store, seed, next_number, verdict)
    return verdict


def tree_hash(folder: Path) -> str:
    """SHA-256 over the names and contents of everything below a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(f"{path.relative_to(folder)}\0{path.is_dir()}\0".encode())
        if path.is_file() and not path.is_symlink():
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _repair(path: Path, verdict: Verdict) -> None:
    before = check_store(path, progress=False)
    verdict.state["check"] = before.exit_code
    if before.exit_code == DAMAGED:
        verdict.problems.append(f"check finds damage: {before.damage[0]}")
    held = tree_hash(path)
    repair_store(path)
    if tree_hash(path) != held:
        verdict.problems.append("repair changed the store")
    after = check_store(path, progress=False)
    if after.exit_code != SOUND:
        verdict.problems.append(f"check gives {after.exit_code} after repair: {[*after.damage, *after.leftovers]}")


def _accept_all(store: Store, seed: int, waiting: set[str], promises: Promises, verdict: Verdict) -> None:
    """What waited must be as good as what was committed."""
    for name in sorted(waiting - set(store.episode_ids())):
        accept_pending(store, name)
        found = difference(store, seed, name)
        verdict.changed += [f"{name}: {found}"] if found else []
        promises.kept.add(name)


def _append(store: Store, seed: int, number: int, verdict: Verdict) -> None:
    name = write(store, seed, number)
    if number_of(name) != number or difference(store, seed, name) or check_store(store.path, progress=False).exit_code:
        verdict.problems.append("a new episode could not be added as it was")
