"""Replay buffers of diffusion_policy: one zarr (format 2) group for all episodes, as a folder or a zip file.

`data/NAME` holds a column end to end, `meta/episode_ends` where each episode ends. A buffer whose writer was killed has
columns longer than the last end, or ends that were never filled in; both are left out and counted.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from crl_data.exchange.errors import MappingError, SourceError
from crl_data.exchange.importing import ImportReport, import_episodes
from crl_data.exchange.mapping import SourceMapping
from crl_data.exchange.old_zarr import WholeChunks, require_codecs
from crl_data.exchange.source import CameraSource, Image, SourceEpisode, SourceReference, episode_id, seconds_to_ns
from crl_data.exchange.values import Table, split_reference
from crl_data.files import DAMAGE

PRESET: dict[str, Any] = {}
OPTIONS = ("stamps",)
_BLOCK_BYTES = 64 * 2**20


@dataclass(frozen=True)
class ReplayBuffer:
    """An open buffer.

    Attributes:
        path: where it lies.
        columns: arrays (N, ...) by name.
        ends: int64 (E,) row past the end of each whole episode.
        torn: rows after the last whole episode, which are left out.
        store: where it is read from.
        whole_columns: columns of numbers that were read already.
    """

    path: Path
    columns: Mapping[str, zarr.Array[Any]]
    ends: NDArray[np.int64]
    torn: int
    store: WholeChunks
    whole_columns: dict[str, NDArray[Any]] = field(default_factory=dict)

    @cached_property
    def cameras(self) -> list[str]:
        """Columns that hold pictures: uint8 (N, H, W, 3)."""
        return [name for name, a in self.columns.items() if a.ndim == 4 and a.shape[3] == 3 and a.dtype == np.uint8]


def import_diffusion_policy(
    source: Path, mapping: SourceMapping, out: Path, *, skip_damaged: bool = False, progress: bool = True
) -> ImportReport:
    """Take every whole episode of a buffer into the store at ``out``. Raises as `import_episodes`."""
    buffer = open_buffer(source)
    episodes = buffer_episodes(buffer, mapping)
    name = "diffusion-policy"
    report = import_episodes(episodes, mapping, out, source=name, skip_damaged=skip_damaged, progress=progress)
    if buffer.torn:
        report.remarks.append(f"{buffer.torn} rows after the last whole episode were left out")
    used = {split_reference(column)[0] for column in mapping.action_columns + mapping.state_columns} | {
        *mapping.cameras
    }
    missing = sum(key.split("/")[-2] in used for key in buffer.store.missing)
    if missing:
        report.remarks.append(
            f"{missing} chunks of columns that the mapping names are not there and were read as zeros"
        )
    return report


def open_buffer(path: Path) -> ReplayBuffer:
    """Open a folder or a zip file. Raises MappingError when it is no buffer, SourceError when it is damaged."""
    require_codecs(path)
    try:
        store = WholeChunks.at(path)
        columns = dict(sorted(zarr.open_group(store, path="data", mode="r", zarr_format=2).arrays()))
        ends = np.asarray(zarr.open_array(store, path="meta/episode_ends", mode="r", zarr_format=2)[...], np.int64)
    except zipfile.BadZipFile as error:
        raise SourceError(f"{path} is no readable zip file: {error}") from error
    except DAMAGE as error:
        raise MappingError(
            f"{path} is no replay buffer: expected a zarr of format 2 with data/... and meta/episode_ends ({error})"
        ) from error
    return _whole_part(path, store, columns, ends)


def buffer_episodes(buffer: ReplayBuffer, mapping: SourceMapping) -> list[SourceReference]:
    """The whole episodes of a buffer. Raises MappingError."""
    chosen = mapping.choose_cameras(buffer.cameras)
    stamps = str(mapping.options.get("stamps", ""))
    starts = np.concatenate([[0], buffer.ends[:-1]])
    return [
        SourceReference(
            episode_id(buffer.path.resolve().name, f"{number:06d}"),
            f"episode {number}",
            partial(_read_episode, buffer, chosen, stamps, int(start), int(end)),
        )
        for number, (start, end) in enumerate(zip(starts, buffer.ends, strict=True))
    ]


def _read_episode(buffer: ReplayBuffer, chosen: Mapping[str, str], stamps: str, start: int, end: int) -> SourceEpisode:
    numbers = (name for name, a in buffer.columns.items() if a.ndim in (1, 2) and a.dtype.kind in "fiub")
    table = Table({name: _numbers(buffer, name, start, end) for name in numbers})
    return SourceEpisode(
        table=table,
        rows=end - start,
        actions=end - start,
        cameras={ours: CameraSource(partial(_frames, buffer, theirs, start, end)) for theirs, ours in chosen.items()},
        stamp_ns=seconds_to_ns(table.pick(stamps), stamps) if stamps else None,
    )


def _numbers(buffer: ReplayBuffer, name: str, start: int, end: int) -> NDArray[Any]:
    """Rows of a column; a column that is whole is read once, for a chunk holds many episodes."""
    if name not in buffer.whole_columns:
        try:
            buffer.whole_columns[name] = _rows(buffer, name, 0, int(buffer.ends[-1]))
        except SourceError:
            return _rows(buffer, name, start, end)
    return buffer.whole_columns[name][start:end]


def _frames(buffer: ReplayBuffer, name: str, start: int, end: int) -> Iterator[Image]:
    array = buffer.columns[name]
    block = max(1, min(array.chunks[0], _BLOCK_BYTES // int(np.prod(array.shape[1:]))))
    for first in range(start, end, block):
        yield from _rows(buffer, name, first, min(first + block, end))


def _rows(buffer: ReplayBuffer, name: str, start: int, end: int) -> NDArray[Any]:
    try:
        return np.asarray(buffer.columns[name][start:end])
    except DAMAGE as error:
        raise SourceError(f"column '{name}' is damaged between rows {start} and {end}: {error}") from error


def _whole_part(
    path: Path, store: WholeChunks, columns: Mapping[str, zarr.Array[Any]], ends: NDArray[np.int64]
) -> ReplayBuffer:
    if ends.ndim != 1 or not columns:
        raise MappingError(f"{path} has {len(columns)} columns and episode_ends of shape {ends.shape}, expected (E,)")
    shortest, longest = (f(array.shape[0] if array.ndim else 0 for array in columns.values()) for f in (min, max))
    whole = int(np.argmax(np.append(np.diff(ends, prepend=0) <= 0, True)))  # an end that was never filled in is 0
    whole = min(whole, int(np.searchsorted(ends[:whole], shortest, side="right")))
    covered = int(ends[whole - 1]) if whole else 0
    return ReplayBuffer(path, columns, ends[:whole], longest - covered, store)
