"""The progress bar that every long command of this package shows."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class Speed(ProgressColumn):
    """Speed over the last seconds, of what is counted."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.0f} {self._unit}/s" if speed else "", style="progress.data.speed")


def progress_bar(what: str, unit: str = "frames", *, enabled: bool = True) -> Progress:
    """A bar on standard error that counts units; nothing is drawn when it is not enabled."""
    return Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        Speed(unit),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not enabled,
    )
