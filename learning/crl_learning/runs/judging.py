"""The data of a recorded run, and whose word says whether it was a success: the operator's, or the learned signal's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from crl_data.telling import Told
from crl_learning.runs.folder import RunFolder
from crl_robot.errors import CrlError

SIGNAL = {"reached": True, "not_improving": False, "time_limit": False}
"""What a verdict of /policy/status says of success; the others say nothing."""


@dataclass(frozen=True)
class Recorded:
    """What became of the data of a run: the episode's id, '' without one, its steps, and what was lost.

    ``untold`` says why goals and progress are not in the episode; '' where they are.
    """

    episode: str = ""
    steps: int = 0
    lost: Mapping[str, int] | None = None
    untold: str = ""


class DataRecorder(Protocol):
    """Records frames, actions and arm states of one run into a store."""

    def begin(self, store: Path, run: str, by_clock: bool) -> None:
        """Start; ``by_clock`` where no actions are sent. Raises CrlError."""
        ...

    def end(self, facts: Mapping[str, Any], told: Told) -> Recorded:
        """Stop, with ``facts`` as the option 'run' of the episode, which then waits for `accept`. Raises CrlError.

        What was ``told`` goes into the episode, which is whole without it where that cannot be done.
        """
        ...

    def accept(self, success: bool | None) -> None:
        """Let the episode appear in the store with this mark. Raises CrlError."""
        ...


class AwaitedVerdict:
    """A run that has ended and whose episode waits for its mark; a committed episode cannot be marked any more.

    Args:
        ended: how it ended, as /policy/status tells.
        recorded: of its episode.
        until_s: when nobody is waited for any longer, monotonic.
    """

    def __init__(
        self, folder: RunFolder, data: DataRecorder, ended: Mapping[str, Any], recorded: Recorded, until_s: float
    ) -> None:
        self.until_s = until_s
        self._folder, self._data, self._recorded = folder, data, recorded
        self._signal = SIGNAL.get(str(ended["verdict"]))

    def settle(self, operator: bool | None) -> str:
        """Mark and keep the episode: by the operator's verdict, or without one by the signal's. Returns what failed."""
        success = self._signal if operator is None else operator
        judge = "operator" if operator is not None else "signal" if success is not None else ""
        facts: dict[str, Any] = {"success": success, "judge": judge}
        failure = ""
        if self._recorded.episode:
            try:
                self._data.accept(success)
                facts["episode"] = self._recorded.episode
            except CrlError as error:
                facts["failure"] = failure = str(error)
        self._folder.end(**facts)
        return failure
