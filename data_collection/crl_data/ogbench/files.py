"""OGBench's own data files, read trajectory by trajectory: the largest hold 60 GB, which no memory needs to hold.

A file is a .npz of ``observations``, ``actions`` and ``terminals``, trajectories end to end; the last observation of
each is marked in ``terminals`` and is followed by none.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from crl_data.metadata import DAMAGE
from crl_data.ogbench.names import OgbenchName
from crl_robot.errors import StoreError

FOLDER = Path("~/.ogbench/data")
"""Where the package keeps what it downloads."""


def data_file(name: OgbenchName, folder: Path = FOLDER) -> Path:
    """Where the training data of a data set lie, if they are there."""
    return folder.expanduser() / f"{name.dataset}.npz"


def download_advice(name: OgbenchName) -> str:
    """How to get the published files, in the words of a message."""
    return f"download it: python -c \"import ogbench; ogbench.download_datasets(['{name.dataset}'])\""


@dataclass(frozen=True)
class Trajectory:
    """``observations`` (T, ...) and the ``actions`` (T, A) taken there; the last action led nowhere that is known."""

    observations: NDArray[Any]
    actions: NDArray[np.float32]


class DataFile:
    """An open file. Raises StoreError when it is no such file or is damaged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with path.open("rb") as file, np.load(file) as content:  # np.load leaves a damaged file open
                ends = np.flatnonzero(content["terminals"])
            self.bounds = np.concatenate([[0], ends + 1])
        except (*DAMAGE, zipfile.BadZipFile) as error:
            raise self._damaged(error) from error
        if len(self.bounds) < 2:
            raise StoreError(f"{path} marks no end of a trajectory in 'terminals'; download it again")

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def trajectories(self, count: int) -> Iterator[Trajectory]:
        """The first ``count`` of them, in order. Raises StoreError at the first damage."""
        try:
            with zipfile.ZipFile(self._path) as archive, ExitStack() as stack:
                columns = [stack.enter_context(_Column(archive, name)) for name in ("observations", "actions")]
                for length in np.diff(self.bounds)[:count]:
                    observations, actions = (column.read(int(length)) for column in columns)
                    yield Trajectory(observations, actions.astype(np.float32))
        except (*DAMAGE, zipfile.BadZipFile, EOFError) as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> StoreError:
        return StoreError(f"{self._path} is no data file of OGBench or is damaged ({error}); download it again")


class _Column:
    """One array of the archive, read from its first row on."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self._file: IO[bytes] = archive.open(f"{name}.npy")
        version = npy.read_magic(self._file)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, self._dtype = read_header(self._file)
        if fortran or self._dtype.hasobject:
            raise ValueError(f"{name} is not stored row by row as plain numbers")
        self._row = shape[1:]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, rows: int) -> NDArray[Any]:
        size = rows * int(np.prod(self._row)) * self._dtype.itemsize
        data = self._file.read(size)
        if len(data) != size:
            raise EOFError(f"it ends {size - len(data)} bytes early")
        return np.frombuffer(data, self._dtype).reshape(rows, *self._row)
