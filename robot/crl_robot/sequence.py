"""How many messages of a topic never arrived."""

from __future__ import annotations

from collections.abc import Hashable

_REMEMBERED = 100
"""Newest missing sequence numbers that a late message can still take back."""


class SequenceTracker:
    """Counts messages that were published but never arrived, from the publishers' sequence numbers.

    A number at or a little below the last one of the same publisher is a message that came late or twice; it is not
    counted as lost, and a late one that had been counted is taken back. One far below it comes from a publisher that
    was started again where the middleware does not name publishers.

    Args:
        first: number of a publisher's first message, where all that came before the first arrival is lost too; None
            where listening may begin at any time.
    """

    def __init__(self, first: int | None = None) -> None:
        self._first = first
        self.received = 0
        self.lost = 0
        self.unnumbered = 0
        self._last: dict[Hashable, int] = {}
        self._missing: dict[Hashable, set[int]] = {}

    def update(self, sequence: int | None, publisher: Hashable = None) -> int:
        """Note one arrival; returns how many messages were lost right before it."""
        self.received += 1
        if sequence is None:
            self.unnumbered += 1
            return 0
        last = self._last.get(publisher)
        if last is not None and sequence < last - _REMEMBERED:
            last = None
            self._missing[publisher].clear()
        if last is not None and sequence <= last:
            late = sequence in self._missing[publisher]
            self._missing[publisher].discard(sequence)
            self.lost -= int(late)
            return 0
        self._last[publisher] = sequence
        expected = last + 1 if last is not None else sequence if self._first is None else self._first
        missing = range(expected, sequence)
        remembered = {number for number in self._missing.get(publisher, ()) if number >= sequence - _REMEMBERED}
        self._missing[publisher] = remembered | set(missing[-_REMEMBERED:])
        self.lost += len(missing)
        return len(missing)
