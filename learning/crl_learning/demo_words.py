"""What the demo says on the terminal: a line while the arm moves, and three at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crl_learning.demo_series import DemoSeries


def status_line(series: DemoSeries) -> str:
    """What goes on while the arm moves."""
    words = [f"{len(series.commanded)} steps"]
    if series.distance():
        words.append(f"{100 * series.distance()[-1][1]:.1f} cm from the goal")
    if series.estimate:
        words.append(f"estimate {series.estimate[-1][1]:.2f}")
    return "moving: " + ", ".join(words)


def outcome_lines(report: dict[str, Any], out: Path) -> tuple[str, str, str]:
    """How the run ended, how punctual it was, and what to look at. ``report`` is the one of report.json."""
    late, rate = report["lateness_ms"], report["rate_hz"] or 0
    late_ms = f"99 % of ticks less than {late['p99']:.1f} ms late" if late else "no control tick"
    return (
        f"{_outcome(report)}: {report['because']}, {report['seconds']:.1f} s, {report['steps']} steps",
        f"control: {rate:.2f} Hz, {late_ms}, {report['dropped_frames']} frames lost",
        f"look at: {shown(out)}/summary.png and demo.mp4",
    )


def shown(path: Path) -> str:
    """A path as the user would type it: relative to the current folder where it lies inside."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _outcome(report: dict[str, Any]) -> str:
    reached = "reached" if report["reached"] else "NOT reached"
    if not report["reached_by"].startswith("critic"):
        return reached
    return str(report["headline"]) if report["reached"] else f"{reached}. {report['headline']}"
