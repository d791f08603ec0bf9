"""Clears what crashes leave beside a store; no committed episode is touched."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from crl_data.checking.check import inspect_place
from crl_data.claims import is_claimed
from crl_data.pending import accept_pending, discard_pending
from crl_data.siblings import pending_folders, pending_id, remove_leftovers
from crl_data.store import Store
from crl_robot.errors import StoreError, nearest

Pending = Literal["keep", "accept", "discard"]


@dataclass
class RepairReport:
    """What a repair did.

    Attributes:
        removed: temporary folders of commits that never finished.
        recording: temporary folders that a living process writes to; left alone.
        accepted, discarded, waiting: ids of episodes that were complete but not yet accepted.
        refused: why an episode that was to be accepted still waits.
    """

    removed: list[Path] = field(default_factory=list)
    recording: list[Path] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    discarded: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def repair_store(path: str | Path, pending: Pending = "keep") -> RepairReport:
    """Remove what was left over, and settle complete episodes that wait: keep them waiting, accept or discard them.

    Raises:
        StoreError: the store cannot be opened, ``pending`` is no such word, or a folder cannot be removed.
    """
    if pending not in get_args(Pending):
        raise StoreError(f"pending is {pending!r}, {nearest(pending, get_args(Pending))}")
    store, report = Store.open(path), RepairReport()
    report.removed, report.recording = remove_leftovers(store.path)
    for folder in pending_folders(store.path):
        _settle(store, folder, pending, report)
    return report


def _settle(store: Store, folder: Path, pending: Pending, report: RepairReport) -> None:
    episode_id = pending_id(store.path, folder)
    if pending == "keep":
        report.waiting.append(episode_id)
    elif is_claimed(folder):
        report.waiting.append(episode_id)
        report.refused.append(f"{episode_id}: a recorder that is running waits for its operator's word on it")
    elif pending == "discard":
        discard_pending(store, episode_id)
        report.discarded.append(episode_id)
    elif why := _why_not(store, folder, episode_id):
        report.waiting.append(episode_id)
        report.refused.append(f"{episode_id}: {why}")
    else:
        accept_pending(store, episode_id)
        report.accepted.append(episode_id)


def _why_not(store: Store, folder: Path, episode_id: str) -> str:
    """Why an episode cannot be accepted; '' when it can."""
    if episode_id in store.episode_ids():
        return "the store has another episode of this id; it can only be discarded"
    damage = inspect_place(store, folder).damage
    return f"it is damaged, {damage[0]}; it can only be discarded" if damage else ""
