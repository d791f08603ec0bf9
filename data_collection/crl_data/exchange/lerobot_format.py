"""LeRobot's data set format v3.0: its files, and how a feature is declared in JSON, in Arrow and for `datasets`.

Rows of all episodes lie end to end in Parquet files of bounded size; what is known of an episode is a row of another
Parquet file; pictures are a column of PNG files ("image") or lie in shared MP4 files ("video").
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

VERSION = "v3.0"
INFO_FILE = "meta/info.json"
STATS_FILE = "meta/stats.json"
TASKS_FILE = "meta/tasks.parquet"
DATA_FILES = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
EPISODES_FILES = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
FILES_PER_CHUNK = 1000
DATA_FILE_MB = 100
VIDEO_FILE_MB = 200
IMAGES_PREFIX = "observation.images."

OWN_FILE = "meta/crl.json"
OWN_ARRAYS = "meta/crl/episode-{episode_index:06d}.npz"
"""What of a store LeRobot has no place for; its reader does not look at these files."""

STAMP = "crl.stamp_ns"
CAMERA_STAMP = "crl.camera_stamp_ns"
CAMERA_RECEIVE_STAMP = "crl.camera_receive_stamp_ns"
STATE_STAMP = "crl.state_stamp_ns"
STATE_RECEIVE_STAMP = "crl.state_receive_stamp_ns"
"""True stamps as features; LeRobot's own ``timestamp`` is the row's number in its episode over the rate."""

_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@dataclass(frozen=True)
class Feature:
    """One column of the rows.

    Attributes:
        name: without '/'.
        dtype: a NumPy name, or 'image'.
        shape: of one row's value; (H, W, 3) of an image.
        names: of the entries; None where they have none.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    names: tuple[str, ...] | None = None

    @property
    def is_image(self) -> bool:
        return self.dtype == "image"

    def to_dict(self) -> dict[str, Any]:
        """As ``info.json`` declares it."""
        return {"dtype": self.dtype, "shape": list(self.shape), "names": list(self.names) if self.names else None}

    def arrow_type(self) -> pa.DataType:
        if self.is_image:
            return _IMAGE
        scalar = pa.from_numpy_dtype(np.dtype(self.dtype))
        return scalar if self.shape == (1,) else pa.list_(scalar, self.shape[0])

    def arrow_array(self, values: NDArray[Any]) -> pa.Array:
        """(T, k) numbers -> a column of T rows."""
        flat = pa.array(np.ascontiguousarray(values, dtype=self.dtype).reshape(-1))
        return flat if self.shape == (1,) else pa.FixedSizeListArray.from_arrays(flat, self.shape[0])

    def hub_type(self) -> dict[str, Any]:
        """As the `datasets` package declares it in a file's metadata."""
        if self.is_image:
            return {"_type": "Image"}
        value = {"dtype": self.dtype, "_type": "Value"}
        return value if self.shape == (1,) else {"feature": value, "length": self.shape[0], "_type": "List"}


ROW_FEATURES = (
    Feature("timestamp", "float32", (1,)),
    Feature("frame_index", "int64", (1,)),
    Feature("episode_index", "int64", (1,)),
    Feature("index", "int64", (1,)),
    Feature("task_index", "int64", (1,)),
)
"""What every data set has besides its own features."""


def row_columns(fps: int, episode: int, first: int, task: int, steps: int) -> dict[str, NDArray[Any]]:
    """Values of ROW_FEATURES for one episode whose first row is row ``first`` of the data set."""
    rows = np.arange(steps)
    values = (rows / fps, rows, np.full(steps, episode), first + rows, np.full(steps, task))
    return {feature.name: column for feature, column in zip(ROW_FEATURES, values, strict=True)}


def rows_schema(features: Sequence[Feature]) -> pa.Schema:
    """Schema of the data files."""
    hub = {"info": {"features": {feature.name: feature.hub_type() for feature in features}}}
    return pa.schema([(f.name, f.arrow_type()) for f in features], metadata={"huggingface": json.dumps(hub)})


def tasks_table(tasks: Sequence[str]) -> pa.Table:
    """Tasks and their numbers; the metadata makes the text the index of the data frame that LeRobot reads it into."""
    index = "__index_level_0__"
    columns = [
        {"name": name, "field_name": field, "pandas_type": kind, "numpy_type": kind, "metadata": None}
        for name, field, kind in (("task_index", "task_index", "int64"), (None, index, "object"))
    ]
    columns[1]["pandas_type"] = "unicode"
    pandas = {"index_columns": [index], "column_indexes": [], "columns": columns, "pandas_version": "2.0.0"}
    table = pa.table({"task_index": pa.array(range(len(tasks)), pa.int64()), index: pa.array(tasks, pa.string())})
    return table.replace_schema_metadata({"pandas": json.dumps(pandas)})


def info(features: Sequence[Feature], robot: str, fps: int, counts: Mapping[str, int]) -> dict[str, Any]:
    """Content of ``info.json``; ``counts`` are total_episodes, total_frames and total_tasks."""
    return {
        "codebase_version": VERSION,
        "robot_type": robot,
        **counts,
        "chunks_size": FILES_PER_CHUNK,
        "data_files_size_in_mb": DATA_FILE_MB,
        "video_files_size_in_mb": VIDEO_FILE_MB,
        "fps": fps,
        "splits": {"train": f"0:{counts['total_episodes']}"},
        "data_path": DATA_FILES,
        "video_path": None,
        "features": {feature.name: feature.to_dict() for feature in features},
    }
