"""The Parquet files of a LeRobot data set while it is written: bounded in size, numbered, an episode in one file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from crl_data.exchange.lerobot_format import DATA_FILES, EPISODES_FILES, FILES_PER_CHUNK
from crl_data.exchange.lerobot_stats import Stats

_EPISODES_PER_FILE = 1000


def place(number: int) -> dict[str, int]:
    """Chunk and file of the ``number``-th file."""
    chunk, file = divmod(number, FILES_PER_CHUNK)
    return {"chunk_index": chunk, "file_index": file}


class DataFiles:
    """The rows of all episodes. Goes on in the next file when the present one would grow beyond ``limit`` bytes."""

    def __init__(self, root: Path, schema: pa.Schema, limit: int) -> None:
        self.paths: list[Path] = []
        self._root, self._schema, self._limit = root, schema, limit
        self._file: BinaryIO | None = None
        self._writer: pq.ParquetWriter | None = None
        self._rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def start_episode(self, steps: int) -> dict[str, int]:
        """Chunk and file that an episode of so many rows goes to."""
        if self._file is None or self._expected(self._file, steps) > self._limit:
            self.close()
            path = self._root / DATA_FILES.format(**place(len(self.paths)))
            path.parent.mkdir(parents=True, exist_ok=True)
            self.paths.append(path)
            self._file, self._rows = path.open("wb"), 0
            self._writer = pq.ParquetWriter(self._file, self._schema, compression="snappy", use_dictionary=False)
        return place(len(self.paths) - 1)

    def write(self, columns: Mapping[str, pa.Array]) -> None:
        """Add rows of the episode that was started."""
        if self._writer is None:
            raise ValueError("no episode was started")
        table = pa.table([columns[name] for name in self._schema.names], schema=self._schema)
        self._writer.write_table(table)
        self._rows += len(table)

    def close(self) -> None:
        """Write the footer of the present file."""
        if self._writer and self._file:
            self._writer.close()
            self._file.close()
        self._writer = self._file = None

    def _expected(self, file: BinaryIO, steps: int) -> float:
        return file.tell() * (1 + steps / self._rows) if self._rows else 0.0


class EpisodeRows:
    """What is known of each episode, as rows of Parquet files."""

    def __init__(self, root: Path) -> None:
        self._root, self._rows, self._files = root, [], 0

    def add(self, row: Mapping[str, Any], stats: Mapping[str, Stats]) -> None:
        """One episode; statistics become columns of their own."""
        flat = {f"stats/{name}/{key}": value for name, part in stats.items() for key, value in part.items()}
        here = {f"meta/episodes/{key}": number for key, number in place(self._files).items()}
        self._rows.append({**row, **flat, **here})
        if len(self._rows) == _EPISODES_PER_FILE:
            self.close()

    def close(self) -> None:
        """Write what was not written yet."""
        if self._rows:
            path = self._root / EPISODES_FILES.format(**place(self._files))
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_pylist(self._rows), path)
            self._rows, self._files = [], self._files + 1


def read_column(paths: Sequence[Path], name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """A numeric column of all rows of the given files, (N, k)."""
    return np.concatenate(list(_parts(paths, name, shape)))


def _parts(paths: Sequence[Path], name: str, shape: tuple[int, ...]) -> Iterator[NDArray[Any]]:
    for path in paths:
        for chunk in pq.ParquetFile(path).read(columns=[name]).column(name).chunks:
            flat = chunk if shape == (1,) else chunk.flatten()
            yield flat.to_numpy(zero_copy_only=False).reshape(-1, *shape)
