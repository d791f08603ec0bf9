"""The progress bar that every long command of this package shows."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class FramesPerSecond(ProgressColumn):
    """Speed over the last seconds."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.0f} frames/s" if speed else "", style="progress.data.speed")


def frame_progress(what: str, *, enabled: bool = True) -> Progress:
    """A bar on standard error that counts frames; nothing is drawn when it is not enabled."""
    return Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        FramesPerSecond(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not enabled,
    )
