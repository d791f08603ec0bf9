"""The summary of a store as tables for a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

_STREAM_ROWS = (
    ("rate (Hz)", ("rate_hz",), 1),
    *((f"age {name} (ms)", ("age_ms", name), 1) for name in ("p50", "p99", "max")),
    *((f"transport {name} (ms)", ("transport_ms", name), 1) for name in ("p50", "p99", "max")),
    ("longest interval (ms)", ("longest_ms",), 0),
    ("gaps", ("gaps",), 0),
    ("repeated", ("repeated",), 0),
    ("lost", ("lost",), 0),
)


def print_summary(summary: dict[str, Any], console: Console) -> None:
    """Show what `crl_data.looking.summary.summarise` found."""
    console.print(_facts(summary))
    if summary.get("streams"):
        console.print(_streams(summary["streams"]))
    if "actions" in summary:
        console.print(_actions(summary))
    if "tool" in summary or "object" in summary:
        console.print(_coverage(summary))
    if "object" in summary:
        console.print(_moves(summary))
    if summary.get("varied"):
        console.print(_varied(summary["varied"]))
    for episode_id, reason in summary["unreadable"].items():
        console.print(f"[red]cannot be read:[/red] {episode_id}: {reason}", soft_wrap=True, highlight=False)


def _facts(summary: dict[str, Any]) -> Table:
    table = Table(title=summary["path"], show_header=False, title_justify="left")
    for key, value in _fact_rows(summary).items():
        table.add_row(key, value)
    return table


def _fact_rows(summary: dict[str, Any]) -> dict[str, str]:
    spec = summary["action_spec"]
    rows = {
        "episodes": f"{summary['episodes']} ({_counts(summary['sources'])})",
        "steps": f"{summary['steps']} = {summary['hours']:.2f} h{_lengths(summary['episode_steps'])}",
        "size": f"{summary['bytes'] / 1e6:.1f} MB",
        "success": f"{_counts(summary['success'])}; {summary['goal_steps']} goal steps marked",
        "operators": _counts(summary["operators"]),
        "robot": f"{summary['robot']} ({_counts(summary['robots'])}), {len(summary['joint_names'])} joints",
        "actions": _meaning(spec),
        "labels": ", ".join(summary["labels"]),
        "clock": _counts(summary["clock"]),
        "lost": _counts({name: number for name, number in summary["lost"].items() if number}, "nothing counted"),
    }
    told, progress = summary["goals"], summary["progress_episodes"]
    if told["episodes"] or progress:
        rows["runs"] = f"{told['goals']} goals in {told['episodes']} episodes; progress in {progress}"
    if summary["state_names"]:
        rows["state"] = f"{len(summary['state_names'])} numbers a step"
    for name, camera in summary["cameras"].items():
        width, height = camera["native"]
        coded = f"JPEG {camera['quality']}" if camera["encoding"] == "jpeg" else camera["encoding"]
        size = f", {summary['bytes_per_frame'][name]:.0f} bytes/frame" if "bytes_per_frame" in summary else ""
        rows[f"camera {name}"] = f"{width}x{height}, {coded}{size}, {summary['lost_frames'][name]} frames lost"
    return rows | {"fingerprint": summary["fingerprint"][:16]}


def _meaning(spec: dict[str, Any]) -> str:
    if spec["reference"] == "environment":
        return f"{spec['rate_hz']:g} Hz, {len(spec['names'])} controls of {spec['frame']}"
    return f"{spec['rate_hz']:g} Hz, added to {spec['reference']}, frame {spec['frame']}"


def _streams(streams: dict[str, dict[str, Any]]) -> Table:
    table = Table(title="streams, by their stamps", title_justify="left")
    for heading in ("", *streams):
        table.add_column(heading, justify="right")
    for name, keys, digits in _STREAM_ROWS:
        values = [_looked_up(facts, keys) for facts in streams.values()]
        if any(value is not None for value in values):
            table.add_row(name, *("" if value is None else f"{value:.{digits}f}" for value in values))
    return table


def _actions(summary: dict[str, Any]) -> Table:
    units = "-1..1" if summary["action_spec"]["reference"] == "environment" else "m, rad, 0..1"
    table = Table(title=f"{summary['actions_label']} actions ({units})", title_justify="left")
    for heading in ("", "mean", "std", "min", "max"):
        table.add_column(heading, justify="right")
    for name, values in summary["actions"].items():
        table.add_row(name, *(f"{values[key]:+.4f}" for key in ("mean", "std", "min", "max")))
    return table


def _coverage(summary: dict[str, Any]) -> Table:
    table = Table(title="where it went (m, base frame)", title_justify="left")
    for heading in ("", "x", "y", "z", "5 cm squares"):
        table.add_column(heading, justify="right", no_wrap=True)
    tool = {"tool": summary["tool"]} if "tool" in summary else {}
    for name, values in (tool | _things(summary)).items():
        ranges = [f"{values[axis][0]:.2f} .. {values[axis][1]:.2f}" for axis in "xyz"]
        table.add_row(name, *ranges, str(values["cells"]))
    if "gripper" in summary:
        gripper = summary["gripper"]
        closed, opened = gripper["closings_per_episode"], 100 * gripper["open_share"]
        table.caption = f"gripper closed {closed:.1f} times an episode, open in {opened:.0f} % of the steps"
    return table


def _moves(summary: dict[str, Any]) -> Table:
    table = Table(title="what was moved", title_justify="left")
    for heading in ("", "m per episode", "over 2 cm in", "lifted 5 cm in", "opened", "closed"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, values in _things(summary).items():
        shares = [f"{values[key]} of {values['episodes']}" for key in ("episodes_moved_2cm", "episodes_lifted_5cm")]
        table.add_row(name, f"{values['path_m_per_episode']:.2f}", *shares, "", "")
    for name, values in summary.get("slides", {}).items():
        path = f"{values['path_m_per_episode']:.2f}"
        table.add_row(name, path, "", "", str(values["opened"]), str(values["closed"]))
    return table


def _varied(varied: dict[str, list[float]]) -> Table:
    table = Table("", "least", "greatest", title="what differed from episode to episode", title_justify="left")
    for name, (low, high) in varied.items():
        table.add_row(name, f"{low:.3g}", f"{high:.3g}")
    return table


def _things(summary: dict[str, Any]) -> dict[str, Any]:
    """What is known of each thing, or of the only one."""
    return summary.get("objects") or ({"object": summary["object"]} if "object" in summary else {})


def _lengths(steps: dict[str, float] | None) -> str:
    return f", {steps['min']:.0f} to {steps['max']:.0f} each, median {steps['median']:.0f}" if steps else ""


def _counts(counts: dict[str, int], none: str = "none") -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items()) or none


def _looked_up(facts: dict[str, Any], keys: tuple[str, ...]) -> float | None:
    value: Any = facts
    for key in keys:
        value = value.get(key) if value is not None else None
    return value
