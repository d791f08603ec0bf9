"""A queue between a thread that must not wait and one that may: each kind of thing has its own bound."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any


class BoundedQueue:
    """First in, first out over all kinds. What does not fit is refused at once and counted.

    Args:
        capacity: by kind, how many may wait.
    """

    def __init__(self, capacity: Mapping[str, int]) -> None:
        self._capacity = dict(capacity)
        self._items: deque[tuple[str, Any]] = deque()
        self._waiting: Counter[str] = Counter()
        self._unfinished: Counter[str] = Counter()
        self._taken: str | None = None
        self._changed = threading.Condition()
        self._closed = False
        self.refused: Counter[str] = Counter()

    def offer(self, kind: str, item: Any) -> bool:
        """Take an item without waiting; False, and counted, when there is no room for it or the queue is closed."""
        with self._changed:
            if self._closed or self._waiting[kind] >= self._capacity[kind]:
                self.refused[kind] += 1
                return False
            self._items.append((kind, item))
            self._waiting[kind] += 1
            self._unfinished[kind] += 1
            self._changed.notify()
            return True

    def take(self) -> tuple[str, Any] | None:
        """Wait for the next item; None once the queue is closed and empty. The item before it is finished."""
        with self._changed:
            if self._taken is not None:
                self._unfinished[self._taken] -= 1
                self._taken = None
            self._changed.wait_for(lambda: self._items or self._closed)
            if not self._items:
                return None
            kind, item = self._items.popleft()
            self._waiting[kind] -= 1
            self._taken = kind
            return kind, item

    def waiting(self, kind: str) -> int:
        """Items of a kind that were not taken yet."""
        with self._changed:
            return self._waiting[kind]

    def unfinished(self, kind: str) -> int:
        """Items of a kind that wait, or were taken and are being worked on."""
        with self._changed:
            return self._unfinished[kind]

    def close(self) -> None:
        """Refuse what comes from now on; what waits can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def abandon(self) -> None:
        """Close, and forget what waits: nobody will take it."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._waiting.clear()
            self._unfinished.clear()
