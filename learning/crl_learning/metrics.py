"""Training curves: means gathered on the device without waiting for it, written as CSV and for TensorBoard."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Self

import torch
from torch import Tensor
from torch.utils.tensorboard.writer import SummaryWriter

from crl_learning.csv_rows import read_rows
from crl_robot import durable

COLUMNS: tuple[str, ...] = ("step", "name", "value")


class Means:
    """Running means of a step's metrics; only `take` waits for the device."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._count = 0

    def add(self, info: Mapping[str, Tensor]) -> None:
        """Add one step's metrics, each a scalar tensor of which no gradient is needed."""
        for name, value in info.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
        self._count += 1

    def take(self) -> dict[str, float]:
        """The means since the last call."""
        if not self._count:
            return {}
        values = torch.stack([value.float() for value in self._sums.values()]).div(self._count).tolist()
        means = dict(zip(self._sums, values, strict=True))
        self._sums, self._count = {}, 0
        return means


class Curves:
    """`metrics.csv` (step, name, value per row) and TensorBoard files of a run.

    Args:
        folder: of the run.
        first_step: rows of later steps are removed: they are written again by a run that resumes from this step.
    """

    def __init__(self, folder: Path, first_step: int = 0) -> None:
        path = folder / "metrics.csv"
        before = read_rows(path) if path.is_file() else []
        kept = [row for row in before if int(row["step"]) <= first_step]
        durable.replace_file(path, _as_csv(kept).encode())
        self._file = path.open("a", newline="")
        self._rows = csv.DictWriter(self._file, COLUMNS)
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=first_step + 1 if first_step else None)

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Append the metrics of a step. Raises OSError."""
        for name, value in values.items():
            self._rows.writerow({"step": step, "name": name, "value": repr(value)})
            self._board.add_scalar(name, value, step)
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close; after an error, what cannot be written any more is not what matters."""
        with suppress(OSError) if kind else nullcontext():
            self.close()

    def close(self) -> None:
        """Write out what is buffered. Raises OSError."""
        try:
            self._file.close()
        finally:
            self._board.close()


def _as_csv(rows: list[dict[str, str]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
