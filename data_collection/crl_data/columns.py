"""Columns that grow together: a row is in all of them or in none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from crl_data.growing import GrowingArray


class Columns:
    """Arrays by name that have one row more after each `append`; the first row says which there are.

    Args:
        kinds: dtype by name; int64 where it is not named.
        folder: where older rows may go, see `GrowingArray`.
    """

    def __init__(self, kinds: Mapping[str, DTypeLike], folder: Path) -> None:
        self._kinds, self._folder = kinds, folder
        self._columns: dict[str, GrowingArray] = {}
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def names(self) -> set[str]:
        """Of the columns; empty before the first row."""
        return set(self._columns)

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row to every column, or to none when one cannot take it, for a lack of memory say."""
        try:
            for name, value in row.items():
                self._column(name, value).append(value)
        except BaseException:
            self._cut()
            raise
        self._length += 1

    def last(self, name: str) -> Any:
        """The newest value of a column. Raises KeyError when there is none."""
        return self._columns[name].last()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Every column, (N, ...). Raises StoreError when the disk does not give older rows back."""
        return {name: column.array() for name, column in self._columns.items()}

    def _column(self, name: str, value: Any) -> GrowingArray:
        if name not in self._columns:
            self._columns[name] = GrowingArray(self._kinds.get(name, np.int64), np.shape(value), self._folder)
        return self._columns[name]

    def _cut(self) -> None:
        """Forget the row that not all columns have."""
        for column in self._columns.values():
            if len(column) > self._length:
                column.pop()
        if not self._length:
            self._columns = {}
