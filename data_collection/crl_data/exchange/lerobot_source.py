"""Reads a LeRobot v3.0 data set, episode by episode: columns of numbers, pictures from Parquet or video, tasks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from crl_data.exchange.errors import SourceError
from crl_data.exchange.lerobot_format import EPISODES_FILES, IMAGES_PREFIX, INFO_FILE
from crl_data.exchange.lerobot_rows import RowSpan, find_rows, numbers, read_table, reading
from crl_data.exchange.lerobot_video import video_frames
from crl_data.exchange.source import Image
from crl_data.exchange.values import Table

_CONVERTER = "python -m lerobot.datasets.v30.convert_dataset_v21_to_v30"
_PICTURE_ROWS = 16


@dataclass(frozen=True)
class LeRobotEpisode:
    """Where an episode lies: ``videos`` are file and first second by feature."""

    index: int
    steps: int
    tasks: tuple[str, ...]
    data: Path
    videos: Mapping[str, tuple[Path, float]]


@dataclass(frozen=True)
class LeRobotFolder:
    """An open data set: ``info`` as in its info.json, and its episodes in order."""

    path: Path
    info: Mapping[str, Any]
    episodes: tuple[LeRobotEpisode, ...]

    @classmethod
    def open(cls, path: Path) -> LeRobotFolder:
        """Raises SourceError when it is no data set of version 3, or its description is damaged."""
        info = _read_info(path)
        try:
            rows = [row for file in _episode_files(path) for row in _plain_rows(file)]
            episodes = [_episode(path, info, row) for row in sorted(rows, key=lambda row: row["episode_index"])]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SourceError(f"{path} describes its episodes in a way that cannot be read: {error!r}") from error
        if len(episodes) != info["total_episodes"]:
            raise SourceError(f"{path} has {len(episodes)} episodes, {INFO_FILE} says {info['total_episodes']}")
        return cls(path, info, tuple(episodes))

    @property
    def features(self) -> Mapping[str, Mapping[str, Any]]:
        return self.info["features"]

    @property
    def cameras(self) -> dict[str, str]:
        """Feature of each camera that has colour pictures, by the name that a mapping calls it."""
        features = [name for name, feature in self.features.items() if feature["dtype"] in ("image", "video")]
        colour = [name for name in features if not _is_depth(self.features[name])]
        short = {name.removeprefix(IMAGES_PREFIX): name for name in colour}
        return short if len(short) == len(colour) else {name: name for name in colour}

    def table(self, episode: LeRobotEpisode) -> Table:
        """The numbers of an episode. Raises SourceError when rows are missing or damaged."""
        wanted = [name for name, feature in self.features.items() if _is_numeric(feature)]
        rows = read_table(self._span(episode), wanted)
        shapes = {name: tuple(self.features[name]["shape"]) for name in wanted}
        columns = {name: numbers(rows.column(name), name, shapes[name]) for name in wanted}
        return Table(columns, {name: _entry_names(self.features[name]) for name in wanted})

    def frames(self, episode: LeRobotEpisode, feature: str) -> Iterator[Image]:
        """The pictures of a feature in order, image files or uint8 (H, W, 3). Raises SourceError when damaged."""
        if self.features[feature]["dtype"] == "video":
            file, start = episode.videos[feature]
            yield from video_frames(file, start, episode.steps, self.info["fps"])
            return
        for batch in self._span(episode).batches([feature], _PICTURE_ROWS):
            for value in batch.column(feature).to_pylist():
                if not isinstance(value, dict) or not value.get("bytes"):
                    raise SourceError(f"{episode.data} names picture files of '{feature}' but does not hold them")
                yield value["bytes"]

    def _span(self, episode: LeRobotEpisode) -> RowSpan:
        return find_rows(episode.data, episode.index, episode.steps)


def _read_info(path: Path) -> dict[str, Any]:
    file = path / INFO_FILE
    try:
        info = json.loads(file.read_bytes())
        version, features = str(info["codebase_version"]), info["features"]
        _ = [(feature["dtype"], tuple(feature["shape"])) for feature in features.values()]
        _ = (info["total_episodes"], info["data_path"], float(info["fps"]))
    except FileNotFoundError as error:
        raise SourceError(f"{path} is no LeRobot data set: it has no {INFO_FILE}") from error
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise SourceError(f"{file} is damaged: {error!r}") from error
    if version.removeprefix("v").split(".")[0] != "3":
        raise SourceError(
            f"{path} is of version {version}, expected v3.0; LeRobot's own tool converts version 2.1: "
            f"{_CONVERTER} --repo-id=NAME --root={path} --push-to-hub=false"
        )
    return info


def _episode_files(path: Path) -> list[Path]:
    files = sorted(path.glob(f"{EPISODES_FILES.split('/chunk')[0]}/*/*.parquet"))
    if not files:
        raise SourceError(f"{path} has no {EPISODES_FILES.format(chunk_index=0, file_index=0)}; copy it whole")
    return files


def _plain_rows(file: Path) -> list[dict[str, Any]]:
    """The rows of an episodes file, without the statistics."""
    with reading(file), pq.ParquetFile(file) as parquet:
        names = [name for name in parquet.schema_arrow.names if not name.startswith("stats/")]
        return parquet.read(columns=names).to_pylist()


def _episode(path: Path, info: Mapping[str, Any], row: Mapping[str, Any]) -> LeRobotEpisode:
    videos = {}
    for name, feature in info["features"].items():
        if feature["dtype"] == "video":
            where = {key: row[f"videos/{name}/{key}"] for key in ("chunk_index", "file_index")}
            videos[name] = (
                path / info["video_path"].format(video_key=name, **where),
                row[f"videos/{name}/from_timestamp"],
            )
    data = info["data_path"].format(chunk_index=row["data/chunk_index"], file_index=row["data/file_index"])
    return LeRobotEpisode(row["episode_index"], row["length"], tuple(row["tasks"]), path / data, videos)


def _is_numeric(feature: Mapping[str, Any]) -> bool:
    try:
        return np.dtype(feature["dtype"]).kind in "fiub"
    except TypeError:  # 'image', 'video', 'string'
        return False


def _is_depth(feature: Mapping[str, Any]) -> bool:
    described = feature.get("info") or feature.get("video_info") or {}
    return bool(described.get("video.is_depth_map"))


def _entry_names(feature: Mapping[str, Any]) -> list[str]:
    """Names of a feature's entries; older sets wrap the list in a dict."""
    names = feature.get("names")
    if isinstance(names, dict) and len(names) == 1:
        names = next(iter(names.values()))
    return [str(name) for name in names] if isinstance(names, list) else []
