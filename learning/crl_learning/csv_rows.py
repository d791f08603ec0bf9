"""Rows with names, as CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def write_rows(
    path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None, digits: int | None = None
) -> None:
    """Write a header and one line per row, in the given order.

    Args:
        columns: of the header; those of the first row when None.
        digits: decimals that floats are rounded to; all when None.
    """
    names = columns if columns is not None else list(rows[0]) if rows else []
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        for row in rows:
            writer.writerow({name: _rounded(value, digits) for name, value in row.items()})


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows by the names in the header; a last line that was not written to its end is none.

    Raises:
        OSError: there is no such file.
        ValueError: it is no text.
    """
    with path.open(newline="", encoding="utf-8") as file:
        text = file.read()
    rows = csv.DictReader(io.StringIO(text[: text.rfind("\n") + 1], newline=""))
    return [row for row in rows if None not in row.values()]


def _rounded(value: Any, digits: int | None) -> Any:
    return round(value, digits) if digits is not None and isinstance(value, float) else value
