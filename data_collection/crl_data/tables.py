"""The summary of a store as tables for a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table


def print_summary(summary: dict[str, Any], console: Console) -> None:
    """Show what `crl_data.summary.summarise` found."""
    console.print(_facts(summary))
    if "actions" in summary:
        console.print(_actions(summary["actions"]))
        console.print(_coverage(summary))


def _facts(summary: dict[str, Any]) -> Table:
    table = Table(title=summary["path"], show_header=False, title_justify="left")
    spec = summary["action_spec"]
    rows = {
        "episodes": f"{summary['episodes']} ({_counts(summary['sources'])})",
        "steps": f"{summary['steps']} = {summary['hours']:.2f} h",
        "size": f"{summary['bytes'] / 1e6:.1f} MB",
        "success": _counts(summary["success"]),
        "robot": summary["robot"],
        "actions": f"{spec['rate_hz']:g} Hz, added to {spec['reference']}, frame {spec['frame']}",
        "labels": ", ".join(summary["labels"]),
    }
    for name, camera in summary["cameras"].items():
        width, height = camera["native"]
        coded = f"JPEG {camera['quality']}" if camera["encoding"] == "jpeg" else camera["encoding"]
        size = f", {summary['bytes_per_frame'][name]:.0f} bytes/frame" if "bytes_per_frame" in summary else ""
        rows[f"camera {name}"] = f"{width}x{height}, {coded}{size}, {summary['lost_frames'][name]} frames lost"
    rows["fingerprint"] = summary["fingerprint"][:16]
    for key, value in rows.items():
        table.add_row(key, value)
    return table


def _actions(statistics: dict[str, dict[str, float]]) -> Table:
    table = Table(title="commanded actions (m, rad, 0..1)", title_justify="left")
    for heading in ("", "mean", "std", "min", "max"):
        table.add_column(heading, justify="right")
    for name, values in statistics.items():
        table.add_row(name, *(f"{values[key]:+.4f}" for key in ("mean", "std", "min", "max")))
    return table


def _coverage(summary: dict[str, Any]) -> Table:
    table = Table(title="where it went (m, base frame)", title_justify="left")
    for heading in ("", "x", "y", "z", "5 cm squares"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name in ("tool", "object"):
        if name in summary:
            values = summary[name]
            ranges = [f"{values[axis][0]:.2f} .. {values[axis][1]:.2f}" for axis in "xyz"]
            table.add_row(name, *ranges, str(values["cells"]))
    if "object" in summary:
        moved, path = summary["object"]["episodes_moved_2cm"], summary["object"]["path_m_per_episode"]
        table.caption = f"object moved over 2 cm in {moved} episodes, {path:.2f} m per episode"
    return table


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items()) or "none"
