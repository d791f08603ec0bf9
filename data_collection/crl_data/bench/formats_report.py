"""The formats side by side: a table for the terminal and bars in a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

HEADINGS = {
    "write_frames_per_s": ("write\n1/s", "{:,.0f}"),
    "size_ratio": ("size\n/raw", "{:.3f}"),
    "psnr_db": ("PSNR\ndB", "{:.1f}"),
    "batch_disk_ms": ("disk\nms", "{:.0f}"),
    "batch_memory_ms": ("memory\nms", "{:.1f}"),
    "load_frames_per_s": ("load\n1/s", "{:,.0f}"),
    "batch_small_ms": ("small\nms", "{:.1f}"),
}
"""Heading and format of each measured value."""

BARS = {
    "write_frames_per_s": "write, frames/s (more is better)",
    "size_ratio": "size / raw (less is better)",
    "batch_disk_ms": "batch of 256 from disk, ms (less is better)",
    "load_frames_per_s": "load at 128 px, frames/s (more is better)",
}
OURS, THEIRS = "#1f5fa8", "#a9b0ba"


def formats_table(facts: Mapping[str, Any]) -> Table:
    """One row for each format; a PSNR of 'exact' means that nothing was lost."""
    table = Table(title=f"{facts['episodes']} episodes of {facts['steps']} frames", title_justify="left")
    table.add_column("format", no_wrap=True)
    for heading, _ in HEADINGS.values():
        table.add_column(heading, justify="right", no_wrap=True)
    for row in facts["formats"]:
        table.add_row(row["name"], *(_cell(row, key) for key in HEADINGS))
    return table


def legend(facts: Mapping[str, Any]) -> list[str]:
    """What the columns mean, and a line on each format."""
    columns = (
        f"write: frames of {facts['image_size']} px with noise of {facts['noise_sigma']:g}; disk, memory: batch of "
        f"{facts['batch']} (s, a, s', g) of them; load: into memory at 128 px; small: batch of 2,048 at 48 px. "
        f"{facts['threads']} threads, page cache warm. A plain copy of as many bytes as the two batches from memory "
        f"takes {facts['copy_memory_ms']:.1f} and {facts['copy_small_ms']:.1f} ms."
    )
    return [columns, *(f"{row['name']}: {row['note']}" for row in facts["formats"])]


def write_bars(facts: Mapping[str, Any], path: Path) -> None:
    """A PNG with one panel for each of BARS, and one bar for each format that has the value."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 6.5), dpi=110, layout="constrained")
    figure.suptitle(
        f"Frames of {facts['image_size']} px with noise of {facts['noise_sigma']:g}, {facts['threads']} threads, "
        f"page cache warm, {facts['machine']['cpu']}",
        fontsize=11,
    )
    for axes, (key, title) in zip(figure.subplots(2, 2).ravel(), BARS.items(), strict=True):
        rows = [row for row in facts["formats"] if row[key] is not None][::-1]
        names, values = [row["name"] for row in rows], [row[key] for row in rows]
        colours = [OURS if name.startswith("ours") else THEIRS for name in names]
        bars = axes.barh(names, values, color=colours)
        axes.bar_label(bars, [HEADINGS[key][1].format(value) for value in values], padding=3, fontsize=8)
        axes.set_title(title, fontsize=10)
        axes.margins(x=0.15)
        axes.set_xticks([])
        axes.spines[["top", "right", "bottom"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure).print_png(str(path))


def _cell(row: Mapping[str, Any], key: str) -> str:
    if row[key] is None:
        return "exact" if key == "psnr_db" and row["size_ratio"] is not None else ""
    return HEADINGS[key][1].format(row[key])
