"""Arrays that grow row by row without keeping a Python object for each row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

_FIRST_ROWS = 64


class GrowingArray:
    """Rows of one shape and dtype; appending doubles the room when it is used up.

    Args:
        dtype: of the values.
        shape: of one row; () for a number.
    """

    def __init__(self, dtype: DTypeLike, shape: tuple[int, ...] = ()) -> None:
        self._rows: NDArray[Any] = np.empty((_FIRST_ROWS, *shape), dtype)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, row: ArrayLike) -> None:
        """Add one row. Raises ValueError when its shape is another."""
        if self._length == len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        self._rows[self._length] = row
        self._length += 1

    def pop(self) -> None:
        """Forget the last row."""
        self._length -= 1

    def array(self) -> NDArray[Any]:
        """The rows so far, (N, ...); a view that later rows may leave behind."""
        return self._rows[: self._length]

    def last(self) -> Any:
        """The newest row. Raises IndexError when there is none."""
        return self.array()[-1]
