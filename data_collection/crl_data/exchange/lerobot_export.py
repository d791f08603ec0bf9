"""Writes a store as a LeRobot v3.0 data set that the lerobot package opens, with frames equal bit by bit.

Cameras become image features, one label becomes ``action``, true stamps become features of their own. What LeRobot has
no place for (success, note, calibration, specs, other arrays, the arm's own stream) lies in files that it does not
read, so that the import gives the same store again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from rich.progress import Progress, TaskID

from crl_data.episode import ARM_STREAM, Episode, EpisodeMeta
from crl_data.episode_folder import EpisodeFolder
from crl_data.exchange.lerobot_features import Layout, all_arrays, choose_labels, whole_rate
from crl_data.exchange.lerobot_files import DataFiles, EpisodeRows, read_column
from crl_data.exchange.lerobot_format import (
    DATA_FILE_MB,
    INFO_FILE,
    OWN_ARRAYS,
    OWN_FILE,
    ROW_FEATURES,
    STATS_FILE,
    TASKS_FILE,
    Feature,
    info,
    row_columns,
    rows_schema,
    tasks_table,
)
from crl_data.exchange.lerobot_frames import FrameCoder
from crl_data.exchange.lerobot_stats import ImageStats, Stats, vector_stats
from crl_data.exchange.lerobot_told import told_arrays
from crl_data.files import appears_whole
from crl_data.progress import progress_bar
from crl_data.schema import Labels
from crl_data.siblings import remove_leftovers
from crl_data.store import Store
from crl_robot.errors import StoreError

_LOG = logging.getLogger(__name__)
_BATCH_BYTES = 2**26
_CODERS = 4


def export_lerobot(
    store: Store,
    out: Path,
    *,
    labels: Labels | None = None,
    frames: Literal["png", "stored"] = "png",
    ids: Sequence[str] | None = None,
    task: str | None = None,
    progress: bool = True,
) -> Path:
    """Write a data set to ``out``, whole or not at all; returns ``out``.

    What an export that was killed left beside ``out`` is removed, with a warning.

    Args:
        store: with a whole number of steps per second.
        out: a folder that does not exist yet.
        labels: which actions become ``action``; the other ones become ``crl.action_<label>``. May be left out where
            the store has only one kind.
        frames: 'png', or 'stored' for the JPEG files of the store as they are: a fifth of the size and an equal store
            after the import, but which pixels come of them is up to the reader's JPEG decoder.
        ids: episodes, all by default.
        task: what was to be done, as LeRobot's language instruction; what the episode says of itself when None.
        progress: show a bar.

    Raises:
        StoreError: ``out`` exists, labels or rate cannot be exported, no episodes, damage, or the disk refused; nothing
            is at ``out`` then; or it holds no actions of an arm.
    """
    if out.exists():
        raise StoreError(f"{out} exists already; choose another path, a data set is never overwritten")
    if not store.spec.action.moves_an_arm:
        raise StoreError(f"{store.path} holds the controls of '{store.spec.robot}', expected the actions of an arm")
    metas = store.metas(ids)
    if not metas:
        raise StoreError(f"{store.path} has no episodes to export")
    chosen, fps = choose_labels(store.spec, labels), whole_rate(store.spec)
    layout = Layout.of(store.spec, metas, chosen)
    for folder in remove_leftovers(out)[0]:
        _LOG.warning("removed %s, which a process that was killed left", folder)
    steps = sum(meta.steps for meta in metas)
    with (
        progress_bar("exporting", enabled=progress) as bar,
        appears_whole(out, out, "export") as folder,
        _Export(store, folder, layout, fps, chosen, stored=frames == "stored") as export,
    ):
        counter = bar.add_task("exporting", total=steps * len(layout.images))
        for meta in metas:
            export.add(meta, task or str(meta.options.get("task") or meta.source), bar, counter)
        export.finish()
    return out


class _Export:
    """A data set that is being written into ``root``."""

    def __init__(self, store: Store, root: Path, layout: Layout, fps: int, labels: Labels, *, stored: bool) -> None:
        self._store, self._root, self._layout = store, root, layout
        self._fps, self._labels, self._stored = fps, labels, stored
        self._features = (*layout.images.values(), *layout.vectors, *ROW_FEATURES)
        self._data = DataFiles(root, rows_schema(self._features), DATA_FILE_MB * 2**20)
        self._episodes = EpisodeRows(root)
        self._image_stats = {name: ImageStats() for name in layout.images}
        self._tasks: dict[str, int] = {}
        self._own: list[dict[str, Any]] = []
        self._rows = 0
        self._pool = ThreadPoolExecutor(_CODERS)

    def __enter__(self) -> _Export:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._data.close()

    def add(self, meta: EpisodeMeta, task: str, bar: Progress, counter: TaskID) -> None:
        """Write one episode: its rows, what is known of it, and what LeRobot has no place for."""
        index, episode = len(self._own), self._store.read(meta.id)
        number = self._tasks.setdefault(task, len(self._tasks))
        columns = self._layout.columns(episode) | row_columns(self._fps, index, self._rows, number, meta.steps)
        frames = {name: FrameCoder(track, self._pool, stored=self._stored) for name, track in episode.cameras.items()}
        row = {"episode_index": index, "tasks": [task], "length": meta.steps}
        row |= {f"data/{key}": value for key, value in self._data.start_episode(meta.steps).items()}
        row |= {"dataset_from_index": self._rows, "dataset_to_index": self._rows + meta.steps}
        for first, last in self._batches(meta.steps):
            self._write_rows(columns, frames, first, last)
            bar.advance(counter, (last - first) * len(frames))
        self._episodes.add(row, self._episode_stats(columns, frames))
        self._write_arrays(index, meta, episode)
        self._own.append(meta.to_dict() | {"frames_sha256": {name: f.digest.hexdigest() for name, f in frames.items()}})
        self._rows += meta.steps

    def finish(self) -> None:
        """Write what is known only at the end. Everything is on its way to the disk afterwards, the caller syncs."""
        self._data.close()
        self._episodes.close()
        pq.write_table(tasks_table(list(self._tasks)), self._root / TASKS_FILE)
        counts = {"total_episodes": len(self._own), "total_frames": self._rows, "total_tasks": len(self._tasks)}
        self._write_json(INFO_FILE, info(self._features, self._store.spec.robot, self._fps, counts))
        self._write_json(STATS_FILE, self._whole_stats())
        own = {"version": 1, "labels": self._labels, "store": self._store.spec.to_dict(), "episodes": self._own}
        self._write_json(OWN_FILE, own)

    def _write_rows(
        self, columns: Mapping[str, NDArray[Any]], frames: Mapping[str, FrameCoder], first: int, last: int
    ) -> None:
        rows = {f.name: f.arrow_array(columns[f.name][first:last]) for f in self._features if not f.is_image}
        for name, feature in self._layout.images.items():
            rows[feature.name] = frames[name].take(last - first)
        self._data.write(rows)

    def _batches(self, steps: int) -> Iterator[tuple[int, int]]:
        """Rows that are coded and written together: few enough to keep memory flat."""
        row_bytes = sum(int(np.prod(feature.shape)) for feature in self._layout.images.values())
        count = max(1, _BATCH_BYTES // row_bytes)
        return ((first, min(first + count, steps)) for first in range(0, steps, count))

    def _episode_stats(self, columns: Mapping[str, NDArray[Any]], frames: Mapping[str, FrameCoder]) -> dict[str, Stats]:
        stats = {f.name: vector_stats(_rows(columns[f.name], f)) for f in self._features if not f.is_image}
        for name, counted in frames.items():
            self._image_stats[name].merge(counted.stats)
            stats[self._layout.images[name].name] = counted.stats.stats()
        return stats

    def _whole_stats(self) -> dict[str, Stats]:
        """Of all rows, one column at a time so that memory stays small."""
        stats = {self._layout.images[name].name: counted.stats() for name, counted in self._image_stats.items()}
        for feature in self._features:
            if not feature.is_image:
                stats[feature.name] = vector_stats(read_column(self._data.paths, feature.name, feature.shape))
        return stats

    def _write_arrays(self, index: int, meta: EpisodeMeta, episode: Episode) -> None:
        folder = EpisodeFolder(self._store.folder(meta.id), self._store.spec, meta)
        arrays = all_arrays(episode) | {f"{ARM_STREAM}/{name}": array for name, array in folder.arm_stream().items()}
        arrays |= told_arrays(folder)
        path = self._root / OWN_ARRAYS.format(episode_index=index)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **arrays)  # pyright: ignore[reportArgumentType]

    def _write_json(self, name: str, data: Mapping[str, Any]) -> None:
        text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
        (self._root / name).write_text(text, encoding="utf-8")


def _rows(values: NDArray[Any], feature: Feature) -> NDArray[Any]:
    return values.reshape(-1, *feature.shape).astype(feature.dtype)
