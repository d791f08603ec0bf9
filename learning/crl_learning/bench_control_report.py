"""What `crl-bench control` leaves of several rates: each tick in a CSV file, and one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crl_learning.csv_rows import write_rows

if TYPE_CHECKING:
    from crl_learning.nodes.eval_client import Timing


def write_ticks(file: Path, timing: Sequence[Timing]) -> None:
    """A line for each control tick that was heard of."""
    from crl_learning.nodes.eval_client import Timing

    file.parent.mkdir(parents=True, exist_ok=True)
    columns = [field.name for field in fields(Timing)]
    write_rows(file, [asdict(tick) for tick in timing], columns, digits=4)


def plot_control(path: Path, rates: Mapping[float, Sequence[Timing]]) -> None:
    """Write a PNG: of each rate how many ticks were later, and older, than so many ms."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    FigureCanvasAgg(figure)
    late, old = figure.subplots(1, 2, sharey=True)
    for rate, timing in rates.items():
        age_ms = [tick.age_ms + tick.inference_ms for tick in timing]
        for axes, values in ((late, [tick.lateness_ms for tick in timing]), (old, age_ms)):
            known = np.sort([value for value in values if np.isfinite(value)])
            axes.step(known, 1.0 - np.arange(len(known)) / max(1, len(known)), where="post", label=f"{rate:g} Hz")
    late.set_xlabel("tick begins late by more than, ms")
    old.set_xlabel("camera to command takes more than, ms")
    late.set_ylabel("share of ticks")
    late.set_xscale("symlog", linthresh=0.1)
    for axes in (late, old):
        axes.set_yscale("log")
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=110)
