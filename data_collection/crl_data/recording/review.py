"""Episodes that are complete and wait beside the store for the operator's word."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from crl_data.claims import claim
from crl_data.pending import accept_pending, discard_pending
from crl_data.siblings import pending_folder, pending_folders, pending_id
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
        self._claim: int | None = None
        self.pending: Pending | None = None
        self.committed = 0
        """Episodes accepted so far."""

    def hold(self, pending: Pending) -> None:
        """This episode waits from now on; repairs leave it alone as long as this process lives."""
        self.pending = pending
        with suppress(OSError):
            self._claim = claim(pending_folder(self._store.path, pending.id))

    def require_none(self) -> None:
        """Raise StoreError when an episode waits."""
        if self.pending is not None:
            raise StoreError(f"episode {self.pending.id} is pending; call /recorder/accept or /recorder/discard first")

    def accept(self, success: bool | None) -> str:
        """Let the episode appear in the store. Raises StoreError; it then still waits."""
        pending = self._require("accept")
        try:
            accept_pending(self._store, pending.id, success=success, options=pending.options)
        except StoreError as error:
            self._forget_gone(pending, error)
            raise
        self.committed += 1
        self._release()
        return f"committed episode {pending.id}: {pending.steps} steps"

    def discard(self) -> str:
        """Forget the episode. Raises StoreError; it then still waits."""
        pending = self._require("discard")
        try:
            discard_pending(self._store, pending.id)
        except StoreError as error:
            self._forget_gone(pending, error)
            raise
        self._release()
        return f"discarded episode {pending.id}: {pending.steps} steps"

    def let_go(self) -> None:
        """Leave what waits to whoever repairs the store, for the end of the process."""
        self._release()

    def left_over(self) -> list[str]:
        """Ids of finished episodes of processes before this one, which nobody accepted or discarded."""
        ids = [pending_id(self._store.path, folder) for folder in pending_folders(self._store.path)]
        return [episode for episode in ids if self.pending is None or episode != self.pending.id]

    def _forget_gone(self, pending: Pending, error: StoreError) -> None:
        """Wait no longer for an episode that is not there any more. Raises StoreError when that is so."""
        if pending_folder(self._store.path, pending.id).exists():
            return
        self._release()
        inside = self._store.folder(pending.id).exists()
        where = "is in the store, without the mark and the audit of this recorder" if inside else "was removed"
        raise StoreError(f"episode {pending.id} waits no more: something else settled it, and it {where}") from error

    def _release(self) -> None:
        if self._claim is not None:
            os.close(self._claim)
        self._claim = self.pending = None

    def _require(self, what: str) -> Pending:
        if self.pending is None:
            raise StoreError(f"there is no episode to {what}; call /recorder/start, then /recorder/stop")
        return self.pending
