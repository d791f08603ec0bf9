"""Is a store sound? Structure, checksums, order of stamps, finite numbers, every frame decodable."""

from __future__ import annotations

import hashlib
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from crl_data.episode import CameraTrack, Episode, EpisodeMeta
from crl_data.files import leftovers
from crl_data.progress import progress_bar
from crl_data.schema import StoreSpec
from crl_data.store import READERS, Store
from crl_robot.errors import StoreError

SOUND, REPAIRABLE, DAMAGED = 0, 1, 2


@dataclass
class CheckReport:
    """What a check found.

    Attributes:
        episodes: number of episodes looked at.
        damage: one line per problem that lost data.
        leftovers: temporary folders of commits that never finished; deleting them loses nothing committed.
    """

    episodes: int = 0
    damage: list[str] = field(default_factory=list)
    leftovers: list[Path] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 sound, 1 repairable, 2 damaged."""
        if self.damage:
            return DAMAGED
        return REPAIRABLE if self.leftovers else SOUND


def check_store(path: str | Path, *, progress: bool = True) -> CheckReport:
    """Look at everything in a store. Raises StoreError only when it cannot be opened at all."""
    store = Store.open(path)
    report = CheckReport(leftovers=leftovers(store.path))
    ids = store.episode_ids()

    def problems_of(episode_id: str) -> list[str]:
        try:
            return episode_problems(store.spec, store.read(episode_id))
        except StoreError as error:
            return [str(error)]

    with progress_bar("checking", "episodes", enabled=progress) as bar, ThreadPoolExecutor(READERS) as pool:
        found = bar.track(pool.map(problems_of, ids), total=len(ids))
        for episode_id, problems in zip(ids, found, strict=True):
            report.episodes += 1
            report.damage += [f"{episode_id}: {problem}" for problem in problems]
    return report


def repair_store(path: str | Path) -> list[Path]:
    """Remove the temporary folders of commits that never finished; returns them. Nothing may be recording meanwhile.

    Raises StoreError when the store cannot be opened or a folder cannot be removed.
    """
    folders = leftovers(Store.open(path).path)
    for folder in folders:
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise StoreError(f"could not remove {folder}: {error}; change its permissions") from error
    return folders


def episode_problems(spec: StoreSpec, episode: Episode) -> list[str]:
    """What is wrong with an episode whose arrays could be read."""
    problems: list[str] = []
    problems += [f"it has no {name}" for name in required_arrays(spec, episode.meta) if name not in episode.arrays]
    for name, array in episode.arrays.items():
        if len(array) != len(episode):
            problems.append(f"{name} has {len(array)} rows, expected {len(episode)}")
        if not np.isfinite(array).all():
            problems.append(f"{name} is not finite everywhere")
    if "stamp_ns" in episode.arrays and (np.diff(episode["stamp_ns"]) <= 0).any():
        problems.append("stamp_ns does not increase")
    for name, track in episode.cameras.items():
        found = _track_problems(track, episode.meta, f"cameras/{name}/frames")
        problems += [f"camera {name}: {problem}" for problem in found]
    return problems


def required_arrays(spec: StoreSpec, meta: EpisodeMeta) -> list[str]:
    """Arrays that an episode of such a store must have, besides the cameras' own."""
    return [f"action_{label}" for label in spec.labels] + (["stamp_ns"] if meta.clock == "measured" else [])


def _track_problems(track: CameraTrack, meta: EpisodeMeta, name: str) -> list[str]:
    stamps = meta.steps if meta.clock == "measured" else 0
    counts = (len(track), len(track.stamp_ns), len(track.receive_stamp_ns))
    if counts != (meta.steps, stamps, stamps):
        return [f"has {counts} frames, stamps and receive stamps, expected {(meta.steps, stamps, stamps)}"]
    problems = ["stamp_ns goes back"] if (np.diff(track.stamp_ns) < 0).any() else []
    digest = hashlib.sha256()
    try:
        for step, data in enumerate(track.all_encoded()):
            image = track.decode(step, data)
            digest.update(data if track.spec.encoding == "jpeg" else image.data)
    except StoreError as error:
        return [*problems, str(error)]
    if digest.hexdigest() != meta.checksums[name]:
        problems.append("the checksum of its frames is not the recorded one")
    return problems
