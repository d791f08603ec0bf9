"""Rows of one episode inside a Parquet file that holds many, read without reading the others."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from crl_data.exchange.errors import SourceError

_NUMBER_ROWS = 65_536
_BUFFER_BYTES = 2**16


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what a missing or damaged Parquet file raises into a SourceError that names it."""
    try:
        yield
    except FileNotFoundError as error:
        raise SourceError(f"{path} does not exist; copy the data set whole") from error
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"{path} is damaged or cut short: {error}") from error


@dataclass(frozen=True)
class RowSpan:
    """Rows ``first`` to ``last`` (past the end) of a Parquet file."""

    path: Path
    first: int
    last: int

    def batches(self, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        """The rows in order, at most ``size`` at a time. Raises SourceError when they are damaged."""
        flat = {"pre_buffer": False, "buffer_size": _BUFFER_BYTES}  # else all row groups are read at once
        with reading(self.path), pq.ParquetFile(self.path, **flat) as file:
            missing = set(columns) - set(file.schema_arrow.names)
            if missing:
                raise SourceError(f"{self.path} has no columns {sorted(missing)}, which info.json declares")
            groups, row = self._groups(file.metadata)
            for batch in file.iter_batches(size, groups, list(columns)):
                start, stop = max(self.first - row, 0), min(self.last - row, len(batch))
                row += len(batch)
                if start < stop:
                    yield batch.slice(start, stop - start)

    def _groups(self, metadata: pq.FileMetaData) -> tuple[list[int], int]:
        """Row groups that hold the rows, and the first row of the first of them."""
        ends = np.cumsum([metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)])
        starts = np.concatenate([[0], ends[:-1]])
        groups = np.flatnonzero((starts < self.last) & (ends > self.first))
        return groups.tolist(), int(starts[groups[0]])


def find_rows(path: Path, episode: int, steps: int) -> RowSpan:
    """Where the rows of an episode lie. Raises SourceError when they are not the expected number in one piece."""
    rows = np.flatnonzero(_episode_indices(path) == episode)
    if len(rows) != steps or (steps and rows[-1] - rows[0] != steps - 1):
        raise SourceError(f"{path} has {len(rows)} rows of episode {episode}, expected {steps} in one piece")
    if not steps:
        raise SourceError(f"episode {episode} has no rows")
    return RowSpan(path, int(rows[0]), int(rows[-1]) + 1)


def read_table(span: RowSpan, columns: Sequence[str]) -> pa.Table:
    """All rows of a span. Raises SourceError."""
    return pa.Table.from_batches(list(span.batches(columns, _NUMBER_ROWS)))


def numbers(column: pa.ChunkedArray, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """A column of numbers or of nested lists of them -> (T, *shape), nan where empty. Raises SourceError."""
    array = pa.concat_arrays(column.chunks)
    while isinstance(array, pa.ExtensionArray) or pa.types.is_nested(array.type):
        array = array.storage if isinstance(array, pa.ExtensionArray) else array.flatten()
    values = array.to_numpy(zero_copy_only=False)
    if values.dtype.kind not in "fiub" or values.size != len(column) * np.prod(shape):
        raise SourceError(f"column '{name}' holds {values.size} {values.dtype}, expected {len(column)} x {list(shape)}")
    return values.reshape(len(column), *shape)


@functools.lru_cache(maxsize=2)
def _episode_indices(path: Path) -> NDArray[np.int64]:
    with reading(path), pq.ParquetFile(path) as file:
        if "episode_index" not in file.schema_arrow.names:
            raise SourceError(f"{path} has no column episode_index; it is no file of LeRobot rows")
        return file.read(columns=["episode_index"]).column(0).to_numpy()
