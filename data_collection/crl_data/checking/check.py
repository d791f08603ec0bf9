"""Is a store sound? Every episode, what waits beside it, and what cut-short commits left over."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from crl_data.checking.episode_check import inspect_episode
from crl_data.checking.findings import Findings
from crl_data.claims import is_claimed
from crl_data.episode_folder import EpisodeFolder
from crl_data.metadata import DAMAGE, SEAL, group_json
from crl_data.progress import progress_bar
from crl_data.siblings import leftovers, pending_folders, pending_id
from crl_data.store import EPISODES, READERS, Store
from crl_robot.errors import StoreError

SOUND, REPAIRABLE, DAMAGED = 0, 1, 2


@dataclass
class CheckReport:
    """What a check found.

    Attributes:
        episodes: number of episodes looked at.
        damage: one line per problem that lost data; of an episode it begins with the id.
        damaged: ids of the damaged episodes that are in the store.
        warnings: one line per thing that is unusual but can be right.
        leftovers: temporary folders of commits that never finished; deleting them loses nothing committed.
        recording: temporary folders that a living process writes to.
        pending: complete episodes that wait to be accepted or discarded.
    """

    episodes: int = 0
    damage: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    leftovers: list[Path] = field(default_factory=list)
    recording: list[Path] = field(default_factory=list)
    pending: list[Path] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 sound, 1 repairable, 2 damaged. What waits, is being written or is unusual does not count."""
        if self.damage:
            return DAMAGED
        return REPAIRABLE if self.leftovers else SOUND

    def add(self, name: str, found: Findings) -> None:
        """Take in what was found of one episode."""
        self.damage += [f"{name}: {line}" for line in found.damage]
        self.warnings += [f"{name}: {line}" for line in found.warnings]


def check_store(path: str | Path, *, progress: bool = True) -> CheckReport:
    """Look at everything in a store, episodes side by side and frames one by one.

    Raises StoreError only when it cannot be opened at all.
    """
    store = Store.open(path)
    report = CheckReport(pending=pending_folders(store.path))
    for folder in leftovers(store.path):
        (report.recording if is_claimed(folder) else report.leftovers).append(folder)
    ids = store.episode_ids()
    places = [*((name, store.path / EPISODES / name) for name in ids), *((f.name, f) for f in report.pending)]
    with progress_bar("checking", "episodes", enabled=progress) as bar, ThreadPoolExecutor(READERS) as pool:
        looked = pool.map(lambda place: inspect_place(store, place[1]), places)
        for (name, _), found in zip(places, bar.track(looked, total=len(places)), strict=True):
            report.add(name, found)
            report.damaged += [name] if found.damage and report.episodes < len(ids) else []
            report.episodes += report.episodes < len(ids)
    report.add(store.path.name, _store_findings(store))
    report.warnings += _twins(store)
    return report


def inspect_place(store: Store, folder: Path) -> Findings:
    """Look at one episode of a store, or one that waits beside it."""
    episode_id = folder.name if folder.parent == store.path / EPISODES else pending_id(store.path, folder)
    found = Findings()
    try:
        store.folder(episode_id)
        episode = EpisodeFolder.open(folder, store.spec)
        found = inspect_episode(episode)
    except StoreError as error:
        return Findings([str(error)])
    found.require(episode.meta.id == episode_id, f"its attributes say that it is episode '{episode.meta.id}'")
    return found


def _store_findings(store: Store) -> Findings:
    """What is wrong with the store's own files."""
    found = Findings()
    expected = {"zarr.json", EPISODES}
    found.warnings += [f"{p.name} belongs to nothing" for p in sorted(store.path.iterdir()) if p.name not in expected]
    strays = [p for p in sorted((store.path / EPISODES).iterdir()) if not p.is_dir() and p.name != "zarr.json"]
    found.warnings += [f"{EPISODES}/{path.name} belongs to nothing" for path in strays]
    try:
        sealed = SEAL in json.loads((store.path / "zarr.json").read_bytes())["attributes"]
        found.expect(sealed, "its attributes carry no checksum, so damage to them would not be seen")
        group = json.loads((store.path / EPISODES / "zarr.json").read_bytes())
        found.require(group == json.loads(group_json({})), f"{EPISODES}/zarr.json is not that of a plain group")
    except DAMAGE as error:
        found.damage.append(f"{EPISODES}/zarr.json cannot be read ({error!r})")
    return found


def _twins(store: Store) -> list[str]:
    """Episodes of unlike ids that hold the same data."""
    first: dict[str, str] = {}
    twins = []
    for name in store.episode_ids():
        try:
            content = json.dumps(store.meta(name).checksums, sort_keys=True)
        except StoreError:
            continue
        if (other := first.setdefault(content, name)) != name:
            twins.append(f"{name}: holds the same data as {other}; training sees them twice")
    return twins
