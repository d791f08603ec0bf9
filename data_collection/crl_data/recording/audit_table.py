"""The audit of an episode as a table for the terminal and the log."""

from __future__ import annotations

import io

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table

from crl_data.recording.audit import AuditReport
from crl_data.recording.audit_streams import StreamAudit

_COLOUR = {"good": "green", "suspect": "yellow", "bad": "red"}
_HEADINGS = ("stream", "count", "lost", "unused", "Hz", "expected", "gap ms", "age ms p50/p99/max", "same image")


def audit_table(report: AuditReport) -> RenderableType:
    """Table of the streams, the verdict, and each finding with what to do."""
    title = f"episode {escape(report.episode)}: {report.steps} steps, {report.seconds:.1f} s"
    table = Table(title=title, title_justify="left")
    for heading in _HEADINGS:
        table.add_column(heading, justify="left" if heading == "stream" else "right")
    for stream in report.streams:
        table.add_row(*_row(stream))
    verdict = f"[bold {_COLOUR[report.verdict]}]{report.verdict}[/]"
    lines = [f"[{_COLOUR[finding.level]}]{finding.level}[/] {escape(str(finding))}" for finding in report.findings]
    return Group(table, f"verdict: {verdict}", *lines)


def audit_text(report: AuditReport, width: int = 120) -> str:
    """The table as plain text."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    with console.capture() as capture:
        console.print(audit_table(report), highlight=False)
    return capture.get()


def _row(stream: StreamAudit) -> tuple[str, ...]:
    ages = "-" if stream.age_ms is None else " / ".join(f"{age:.1f}" for age in stream.age_ms)
    frozen = f"{stream.frozen} ({stream.frozen_ms:.0f} ms)" if stream.frozen > 1 else "-"
    return (
        escape(stream.name),
        str(stream.count),
        str(stream.lost),
        str(stream.unused) if stream.kind == "camera" else "-",
        _number(stream.rate_hz),
        _number(stream.expected_hz),
        _number(stream.gap_ms),
        ages,
        frozen if stream.kind == "camera" else "-",
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
