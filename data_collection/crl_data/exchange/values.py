"""Numbers taken from the columns of a source: which column, which of its entries, scaled and shifted how."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.exchange.errors import MappingError, SourceError
from crl_robot.errors import nearest

_REFERENCE = re.compile(r"(?P<column>[^\[\]]+)(\[(?P<entry>[^\[\]]+)\])?")
_SLICE = re.compile(r"(-?\d*):(-?\d*)")


@dataclass(frozen=True)
class Table:
    """The numeric columns of one source episode.

    Attributes:
        columns: by name, each (T, ...) with one row per step.
        names: names of a column's entries, where the source has them.
    """

    columns: Mapping[str, NDArray[Any]]
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def pick(self, reference: str) -> NDArray[np.float64]:
        """``column``, ``column[2]``, ``column[0:3]`` or ``column[name]`` -> (T, k).

        Raises:
            MappingError: no such column or entry; names the nearest.
            SourceError: it does not hold finite numbers.
        """
        name, entry = split_reference(reference)
        if name not in self.columns:
            raise MappingError(f"the source has no column '{name}', {nearest(name, self.columns)}; {self.describe()}")
        values = np.asarray(self.columns[name])
        if values.dtype.kind not in "fiub":
            raise MappingError(f"column '{name}' holds {values.dtype}, expected numbers; {self.describe()}")
        flat = values.reshape(len(values), -1).astype(np.float64)
        if entry:
            flat = flat[:, self._entries(name, entry, flat.shape[1])]
        if not np.isfinite(flat).all():
            raise SourceError(f"column '{reference}' is not finite in row {int(np.argmin(np.isfinite(flat).all(1)))}")
        return flat

    def describe(self) -> str:
        """The columns and their shapes, for messages."""
        return "columns: " + ", ".join(f"{name} {list(a.shape[1:]) or ''}".strip() for name, a in self.columns.items())

    def _entries(self, name: str, entry: str, width: int) -> slice:
        names = list(self.names.get(name, ()))
        cut = _SLICE.fullmatch(entry)
        if entry in names:
            first, last = names.index(entry), names.index(entry) + 1
        elif cut:
            first, last = int(cut[1] or 0), int(cut[2] or width)
        elif entry.isdecimal():
            first, last = int(entry), int(entry) + 1
        else:
            known = nearest(entry, names) if names else f"it has entries 0 to {width - 1}, without names"
            raise MappingError(f"column '{name}' has no entry '{entry}', {known}")
        if not 0 <= first < last <= width:
            raise MappingError(f"column '{name}' has {width} entries, '{name}[{entry}]' reaches beyond them")
        return slice(first, last)


@dataclass(frozen=True)
class Value:
    """Entries of a column times ``scale`` plus ``offset``, or the constant ``offset`` where ``column`` is empty."""

    column: str = ""
    scale: float = 1.0
    offset: float = 0.0

    @classmethod
    def parse(cls, key: str, data: Any) -> Value:
        """A number, a reference, or {column, scale, offset}. Raises MappingError; ``key`` names the place."""
        if isinstance(data, str):
            data = {"column": data}
        elif isinstance(data, int | float) and not isinstance(data, bool):
            return cls(offset=float(data))
        if not isinstance(data, Mapping):
            raise MappingError(f"{key} is {data!r}, expected a column such as action[0], a number, or a mapping")
        require_known(key, data, ("column", "scale", "offset"))
        split_reference(str(data.get("column", "")))
        return cls(
            str(data["column"]),
            number(f"{key}.scale", data.get("scale", 1.0)),
            number(f"{key}.offset", data.get("offset", 0.0)),
        )

    def take(self, table: Table, steps: int) -> NDArray[np.float64]:
        """(steps, k) values. Raises MappingError or SourceError."""
        if not self.column:
            return np.full((steps, 1), self.offset)
        values = table.pick(self.column)
        if len(values) != steps:
            raise SourceError(f"column '{self.column}' has {len(values)} rows, expected {steps}")
        return values * self.scale + self.offset


Values = tuple[Value, ...]
"""Side by side they give one vector per step."""


def parse_values(key: str, data: Any) -> Values:
    """One value, or a list of them. Raises MappingError."""
    return tuple(Value.parse(key, item) for item in (data if isinstance(data, list) else [data]))


def take_values(values: Values, table: Table, steps: int, width: int, key: str) -> NDArray[np.float64]:
    """(T, width) values side by side. Raises MappingError when they are not ``width`` numbers per step."""
    taken = np.hstack([value.take(table, steps) for value in values])
    if taken.shape[1] != width:
        columns = ", ".join(value.column or str(value.offset) for value in values)
        raise MappingError(f"{key} has {taken.shape[1]} numbers per step ({columns}), expected {width}")
    return taken


def split_reference(reference: str) -> tuple[str, str]:
    """``column[entry]`` -> (column, entry); entry is empty when there is none. Raises MappingError."""
    match = _REFERENCE.fullmatch(reference.strip())
    if not match:
        raise MappingError(f"'{reference}' names no column, expected column, column[2], column[0:3] or column[name]")
    return match["column"], match["entry"] or ""


def number(key: str, value: Any) -> float:
    """A finite number. Raises MappingError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise MappingError(f"{key} is {value!r}, expected a number")
    return float(value)


def require_known(key: str, data: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raise MappingError for a key that is not known, naming the nearest one."""
    for name in data:
        if name not in known:
            raise MappingError(f"unknown key '{name}' in {key}, {nearest(str(name), known)}")


def choose(key: str, value: Any, allowed: Sequence[Any]) -> Any:
    """``value`` when it is allowed. Raises MappingError naming the nearest that is."""
    if value not in allowed:
        raise MappingError(f"{key} is {value!r}, {nearest(str(value), [str(a) for a in allowed])}")
    return value
