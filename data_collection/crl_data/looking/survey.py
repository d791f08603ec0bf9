"""Everything small that a store holds, read once, and its frames compared with their checksums, for `crl-data info`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.episode import ARM_STREAM, TRUTH_ARRAY, TRUTH_OBJECTS, TRUTH_SLIDES, EpisodeMeta
from crl_data.progress import progress_bar
from crl_data.schema import Labels
from crl_data.store import READERS, Store
from crl_robot.errors import StoreError

_STEP_ARRAYS = (
    "stamp_ns",
    "state_stamp_ns",
    "state_receive_stamp_ns",
    "action_commanded",
    "action_achieved",
    "tool_measured",
    "gripper",
    TRUTH_ARRAY,
    TRUTH_OBJECTS,
    TRUTH_SLIDES,
)


@dataclass(frozen=True)
class EpisodeScan:
    """One episode without frames: ``arrays`` by their path in the group, those of interest that it has."""

    meta: EpisodeMeta
    arrays: dict[str, NDArray[Any]]

    def get(self, name: str) -> NDArray[Any] | None:
        """An array, None where the episode has none."""
        return self.arrays.get(name)


@dataclass(frozen=True)
class Survey:
    """A store without frames: its readable episodes in the order of their ids, and why the others are not."""

    store: Store
    scans: list[EpisodeScan] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)

    @property
    def metas(self) -> list[EpisodeMeta]:
        return [scan.meta for scan in self.scans]

    @property
    def label(self) -> Labels:
        """The actions that stand for the store: commanded ones where it has them."""
        return self.store.spec.labels[0]

    def all(self, name: str) -> list[NDArray[Any]]:
        """One array of each readable episode that has it."""
        return [scan.arrays[name] for scan in self.scans if name in scan.arrays]

    def joined(self, name: str) -> NDArray[Any] | None:
        """One array of all episodes end to end, None unless every readable episode has it."""
        found = self.all(name)
        return np.concatenate(found) if found and len(found) == len(self.scans) else None


def survey(store: Store, *, progress: bool = False) -> Survey:
    """Read what is small of every episode; arrays and frames are compared with their checksums.

    An episode with any damage is not read but noted.
    """
    result, ids = Survey(store), store.episode_ids()
    with progress_bar("reading", "episodes", enabled=progress) as bar, ThreadPoolExecutor(READERS) as pool:
        scans = pool.map(lambda episode_id: _scan(store, episode_id), ids)
        for episode_id, scan in zip(ids, bar.track(scans, total=len(ids)), strict=True):
            if isinstance(scan, StoreError):
                result.unreadable[episode_id] = str(scan)
            else:
                result.scans.append(scan)
    return result


def _scan(store: Store, episode_id: str) -> EpisodeScan | StoreError:
    """An episode, or why it cannot be read."""
    try:
        meta = store.meta(episode_id)
        for camera in store.spec.cameras:
            store.track(meta, camera).verify()
        return _read(store, meta)
    except StoreError as error:
        return error


def _read(store: Store, meta: EpisodeMeta) -> EpisodeScan:
    prefixes = [*(f"cameras/{camera}" for camera in store.spec.cameras), ARM_STREAM]
    stamps = [f"{prefix}/{name}" for prefix in prefixes for name in ("stamp_ns", "receive_stamp_ns")]
    names = [name for name in (*_STEP_ARRAYS, *stamps) if name in meta.checksums]
    return EpisodeScan(meta, {name: store.array(meta, name) for name in names})
