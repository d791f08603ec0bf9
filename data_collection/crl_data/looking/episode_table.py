"""The episodes of a store as a table for a terminal: the ids by which other commands name them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from crl_data.episode import EpisodeMeta

SHOWN = 20
"""Episodes that are listed unless all are asked for."""


def episode_table(metas: Sequence[EpisodeMeta], *, every: bool = False) -> Table:
    """Number, id, steps and marks, of the first SHOWN episodes or of every one."""
    table = Table(title="episodes", title_justify="left", caption_justify="left")
    for heading in ("id", "steps", "source", "success", "operator", "lost"):
        table.add_column(heading, no_wrap=heading == "id", overflow="fold")
    for meta in metas if every else metas[:SHOWN]:
        table.add_row(*_row(meta))
    hidden = len(metas) - table.row_count
    if hidden:
        table.caption = f"and {hidden} more: --episodes lists them"
    return table


def _row(meta: EpisodeMeta) -> tuple[str, ...]:
    success = {True: "yes", False: "no", None: ""}[meta.success]
    lost = ", ".join(f"{number} {name}" for name, number in meta.lost.items() if number)
    return meta.id, str(meta.steps), meta.source, success, meta.operator, lost
