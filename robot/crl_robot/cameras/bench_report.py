"""The camera bench's facts as a table: raw beside compressed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

MODES = ("raw", "compressed")
_ROWS = {
    "published": "frames published",
    "received": "frames received",
    "lost": "lost and counted",
    "uncounted": "lost and not counted",
    "skipped": "skipped by the camera's node",
    "missed": "periods without a picture",
    "bytes_per_frame": "bytes per frame",
}
_TIMES = {"latency_ms": "capture to callback", "decode_ms": "decoding after it"}


def cameras_table(facts: Mapping[str, Any]) -> Table:
    """What `bench_cameras.run` found."""
    title = f"{facts['cameras']} cameras, {facts['width']}x{facts['height']} at {facts['fps']:g} Hz"
    table = Table("", *MODES, title=f"{title}, {facts['seconds']:g} s each way", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for key, words in _ROWS.items():
        table.add_row(words, *(str(facts[f"{mode}_{key}"]) for mode in MODES))
    for key, words in _TIMES.items():
        for part in ("p50", "p99", "max"):
            table.add_row(f"{words}, {part}, ms", *(f"{facts[f'{mode}_{key}'][part]:.2f}" for mode in MODES))
    return table
