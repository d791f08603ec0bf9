"""Episodes that are complete and wait beside the store for the operator's word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crl_data.episode_file import accept_pending, discard_pending
from crl_data.files import pending_folders
from crl_data.store import Store
from crl_robot.errors import StoreError


@dataclass(frozen=True)
class Pending:
    """A finished episode.

    Attributes:
        options: what its attribute of that name will be.
    """

    id: str
    steps: int
    options: dict[str, Any]


class Review:
    """The one episode that was just stopped, until it is accepted or discarded."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.pending: Pending | None = None
        self.committed = 0
        """Episodes accepted so far."""

    def require_none(self) -> None:
        """Raise StoreError when an episode waits."""
        if self.pending is not None:
            raise StoreError(f"episode {self.pending.id} is pending; call /recorder/accept or /recorder/discard first")

    def accept(self, success: bool | None) -> str:
        """Let the episode appear in the store. Raises StoreError; it then still waits."""
        pending = self._require("accept")
        accept_pending(self._store, pending.id, success=success, options=pending.options)
        self.committed += 1
        self.pending = None
        return f"committed episode {pending.id}: {pending.steps} steps"

    def discard(self) -> str:
        """Forget the episode. Raises StoreError; it then still waits."""
        pending = self._require("discard")
        discard_pending(self._store, pending.id)
        self.pending = None
        return f"discarded episode {pending.id}: {pending.steps} steps"

    def left_over(self) -> list[str]:
        """Ids of finished episodes of processes before this one, which nobody accepted or discarded."""
        prefix = f"{self._store.path.resolve().name}.pending-"
        ids = [folder.name.removeprefix(prefix) for folder in pending_folders(self._store.path)]
        return [episode for episode in ids if self.pending is None or episode != self.pending.id]

    def _require(self, what: str) -> Pending:
        if self.pending is None:
            raise StoreError(f"there is no episode to {what}; call /recorder/start, then /recorder/stop")
        return self.pending
