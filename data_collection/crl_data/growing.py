"""Arrays that grow row by row without keeping a Python object for each row, and, if wanted, without growing memory."""

from __future__ import annotations

import errno
import os
import tempfile
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from crl_robot.errors import StoreError

_FIRST_ROWS = 64
_SPILL_ROWS = 2048


class GrowingArray:
    """Rows of one shape and dtype; the room is doubled when it is used up.

    Args:
        dtype: of the values.
        shape: of one row; () for a number.
        folder: where older rows may go, into a file without a name that is gone when this process is; all stay in
            memory when None, or when the disk refuses them.
    """

    def __init__(self, dtype: DTypeLike, shape: tuple[int, ...] = (), folder: Path | None = None) -> None:
        self._rows: NDArray[Any] = np.empty((_FIRST_ROWS, *shape), dtype)
        self._length = 0
        self._folder = folder
        self._file: int | None = None
        self._spilled = 0

    def __len__(self) -> int:
        return self._spilled + self._length

    def append(self, row: ArrayLike) -> None:
        """Add one row. Raises ValueError when its shape is another."""
        if self._length == len(self._rows) and not self._spill():
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        self._rows[self._length] = row
        self._length += 1

    def pop(self) -> None:
        """Forget the last row. Raises IndexError when it is not in memory: at least one row always is."""
        if not self._length:
            raise IndexError("there is no row left to forget")
        self._length -= 1

    def array(self) -> NDArray[Any]:
        """The rows so far, (N, ...), perhaps a view that later rows leave behind. Raises StoreError."""
        newest = self._rows[: self._length]
        if self._file is None:
            return newest
        size = self._spilled * self._rows[0].nbytes
        try:
            data = os.pread(self._file, size, 0)
        except OSError as error:
            raise StoreError(f"rows of an episode cannot be read back from the disk ({error}); discard it") from error
        if len(data) != size:
            raise StoreError(f"the disk gave back {len(data)} bytes of an episode's rows, expected {size}; discard it")
        return np.concatenate([np.frombuffer(data, newest.dtype).reshape(-1, *newest.shape[1:]), newest])

    def last(self) -> Any:
        """The newest row. Raises IndexError when there is none."""
        return self._rows[: self._length][-1]

    def _spill(self) -> bool:
        """Move all rows but the last to the file; whether that was wanted and done."""
        if self._folder is None or self._length < _SPILL_ROWS:
            return False
        data = np.ascontiguousarray(self._rows[: self._length - 1]).tobytes()
        try:
            if self._file is None:
                self._file = self._open(self._folder)
            if os.pwrite(self._file, data, self._spilled * self._rows[0].nbytes) != len(data):
                raise OSError(errno.ENOSPC, "No space left on device")
        except OSError:
            self._folder = None  # a disk that refuses is not asked again; memory is still there
            return False
        self._spilled += self._length - 1
        self._rows[0] = self._rows[self._length - 1]
        self._length = 1
        return True

    def _open(self, folder: Path) -> int:
        """A new file without a name, closed when this array is no longer used. Raises OSError."""
        with tempfile.TemporaryFile(dir=folder) as file:
            descriptor = os.dup(file.fileno())
        weakref.finalize(self, os.close, descriptor)
        return descriptor
