"""Takes a LeRobot v3.0 data set into a store.

A set that `lerobot_export` wrote comes back as the store it was, without a mapping. Any other one needs a mapping that
says what its columns mean; rate and robot are its own. It has no stamps (a row's ``timestamp`` is its number over the
rate), so its episodes have none either, unless the stamps that our export adds are still there.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from crl_data.exchange.errors import MappingError
from crl_data.exchange.importing import ImportReport, import_episodes
from crl_data.exchange.lerobot_format import (
    CAMERA_RECEIVE_STAMP,
    CAMERA_STAMP,
    OWN_FILE,
    STAMP,
    STATE_RECEIVE_STAMP,
    STATE_STAMP,
)
from crl_data.exchange.lerobot_restore import restore
from crl_data.exchange.lerobot_source import LeRobotEpisode, LeRobotFolder
from crl_data.exchange.mapping import SourceMapping
from crl_data.exchange.source import CameraSource, SourceEpisode, SourceReference, episode_id
from crl_data.exchange.values import Table

PRESET: dict[str, Any] = {}
OPTIONS = ()
_STATE_STAMPS = {STATE_STAMP: "state_stamp_ns", STATE_RECEIVE_STAMP: "state_receive_stamp_ns"}


def import_lerobot(
    source: Path, mapping: SourceMapping | None, out: Path, *, skip_damaged: bool = False, progress: bool = True
) -> ImportReport:
    """Take every episode of the data set at ``source`` into the store at ``out``.

    Args:
        source: folder with meta/info.json.
        mapping: what its columns mean. A set of ours needs none, or one that says no more than the encoding: 'lossless'
            keeps frames as they are where the store they came from coded them as JPEG.
        out: store to add to, made when it does not exist.
        skip_damaged: go on after a damaged episode.
        progress: show a bar.

    Raises:
        SourceError: ``source`` is no data set of version 3, or its description is damaged; nothing was written.
        MappingError, StoreMismatchError, StoreError: as `import_episodes`.
    """
    folder = LeRobotFolder.open(source)
    said = mapping or SourceMapping()
    if (source / OWN_FILE).is_file() and replace(said, encoding="jpeg", quality=95) == SourceMapping():
        return restore(folder, out, lossless=said.encoding == "lossless", skip_damaged=skip_damaged, progress=progress)
    whole = _completed(folder, said)
    references = [_reference(folder, episode, whole) for episode in folder.episodes]
    return import_episodes(references, whole, out, source="lerobot", skip_damaged=skip_damaged, progress=progress)


def _completed(folder: LeRobotFolder, mapping: SourceMapping) -> SourceMapping:
    """The mapping with what the set itself says. Raises MappingError where they contradict each other."""
    fps, robot = float(folder.info["fps"]), str(folder.info.get("robot_type") or "")
    if mapping.rate not in (None, fps):
        raise MappingError(f"rate is {mapping.rate:g}, {folder.path} has {fps:g} rows per second; leave the rate out")
    short = {feature: name for name, feature in folder.cameras.items()}
    cameras = {short.get(name, name): ours for name, ours in mapping.cameras.items()}
    return replace(mapping, rate=fps, robot=mapping.robot or robot, cameras=cameras)


def _reference(folder: LeRobotFolder, episode: LeRobotEpisode, mapping: SourceMapping) -> SourceReference:
    name = f"episode-{episode.index:06d}"
    return SourceReference(episode_id(folder.path.resolve().name, name), name, partial(_read, folder, episode, mapping))


def _read(folder: LeRobotFolder, episode: LeRobotEpisode, mapping: SourceMapping) -> SourceEpisode:
    table = folder.table(episode)
    mapping.require_complete(table.describe())
    chosen = {ours: folder.cameras[name] for name, ours in mapping.choose_cameras(list(folder.cameras)).items()}
    stamps = _camera_stamps(table, [feature for feature in chosen.values()], folder)
    measured = STAMP in table.columns and all(stamps.values())
    cameras = {
        ours: CameraSource(partial(folder.frames, episode, feature), **(stamps[feature] if measured else {}))
        for ours, feature in chosen.items()
    }
    kept = {array: table.columns[name].reshape(-1) for name, array in _STATE_STAMPS.items() if name in table.columns}
    return SourceEpisode(
        table=table,
        rows=episode.steps,
        actions=episode.steps,
        cameras=cameras,
        stamp_ns=table.columns[STAMP].reshape(-1) if measured else None,
        arrays=kept if measured else {},
        meta={"options": {"task": "; ".join(episode.tasks), "episode_index": episode.index}},
    )


def _camera_stamps(table: Table, features: list[str], folder: LeRobotFolder) -> dict[str, dict[str, Any]]:
    """Stamps of each camera, by feature; empty for one that has none."""
    short = {feature: name for name, feature in folder.cameras.items()}
    found: dict[str, dict[str, Any]] = {}
    for feature in features:
        names = list(table.names.get(CAMERA_STAMP, ()))
        entry = names.index(short[feature]) if short[feature] in names else None
        columns = {"stamp_ns": CAMERA_STAMP, "receive_stamp_ns": CAMERA_RECEIVE_STAMP}
        present = {key: name for key, name in columns.items() if entry is not None and name in table.columns}
        found[feature] = {key: table.columns[name][:, entry] for key, name in present.items()}
    return found
