"""Parts of one thing that arrive on several topics: joined by their common stamp, in whatever order they come."""

from __future__ import annotations

from typing import Any

_REMEMBERED = 50
"""Stamps that may wait for their other parts; reliable topics of one publisher are never this far apart."""


class StampJoiner:
    """Waits until every named part of a stamp is there. The caller locks.

    Args:
        parts: names of the parts; the first is the one that `waiting` counts.
    """

    def __init__(self, parts: tuple[str, ...]) -> None:
        self._parts = parts
        self._waiting: dict[int, dict[str, Any]] = {}
        self._newest_ns: int | None = None
        self.completed = 0

    @property
    def waiting(self) -> int:
        """First parts that came after the last completed stamp, and may still be completed."""
        newest = -1 if self._newest_ns is None else self._newest_ns
        return sum(stamp > newest and self._parts[0] in parts for stamp, parts in self._waiting.items())

    def add(self, part: str, stamp_ns: int, value: Any) -> tuple[Any, ...] | None:
        """Take one part; returns all parts, in the order of their names, when it was the last one missing."""
        parts = self._waiting.setdefault(stamp_ns, {})
        parts[part] = value
        if len(parts) < len(self._parts):
            if len(self._waiting) > _REMEMBERED:
                del self._waiting[next(iter(self._waiting))]
            return None
        del self._waiting[stamp_ns]
        self._newest_ns = stamp_ns
        self.completed += 1
        return tuple(parts[name] for name in self._parts)
