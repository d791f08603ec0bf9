"""The progress bar of benches and trials."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bench_bar(name: str, total: float) -> Iterator[Callable[[], None]]:
    """Show a bar; gives what is to be called at each step, a second or an injection say."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    with Progress(*columns, transient=True) as progress:
        bar = progress.add_task(name, total=total)
        yield lambda: progress.advance(bar)
