"""Fills an episode on a thread of its own, so that coding images never delays whoever receives them."""

from __future__ import annotations

import contextlib
import queue
import threading

from crl_data.matching import Step
from crl_data.writer import EpisodeWriter
from crl_robot.contracts import ArmState
from crl_robot.errors import CrlError, StoreError


class BackgroundWriter:
    """Takes steps without waiting; what its queue cannot hold is dropped and counted.

    Args:
        writer: an empty episode; belongs to this object from now on.
        capacity: steps that may wait to be coded.
    """

    def __init__(self, writer: EpisodeWriter, capacity: int) -> None:
        self._writer = writer
        self._steps: queue.Queue[Step | None] = queue.Queue(capacity)
        self._finished = False
        self.failure: CrlError | None = None
        """What ended the coding; the episode cannot be committed any more."""
        self._thread = threading.Thread(target=self._run, name="coding", daemon=True)
        self._thread.start()
        self.taken = 0
        self.dropped = 0
        self.last_stamp_ns: int | None = None
        """Stamp of the last step taken."""

    def offer(self, step: Step) -> None:
        """Take a step, or drop it when too many wait already or it is not later than the last one.

        Ignored once the episode is being finished.
        """
        if self._finished:
            return
        stamp_ns = step.observation.stamp_ns
        if self.last_stamp_ns is not None and stamp_ns <= self.last_stamp_ns:
            self.dropped += 1
            return
        try:
            self._steps.put_nowait(step)
        except queue.Full:
            self.dropped += 1
            return
        self.taken += 1
        self.last_stamp_ns = stamp_ns

    def commit(self, *, final: ArmState | None, lost: dict[str, int], note: str = "") -> str:
        """Finish coding, then commit; returns the id. Raises the error that stopped the coding, or StoreError."""
        self._finish()
        if self.failure is not None:
            self._writer.discard()
            raise self.failure
        return self._writer.commit(note=note, final=final, lost=lost)

    def discard(self) -> None:
        """Finish coding and forget the episode."""
        self._finish()
        self._writer.discard()

    def _finish(self) -> None:
        self._finished = True
        while self._thread.is_alive():
            with contextlib.suppress(queue.Full):
                self._steps.put(None, timeout=0.1)
                self._thread.join()

    def _run(self) -> None:
        failure: CrlError | None = StoreError("the thread that codes images ended; its traceback is in the log")
        try:
            while (step := self._steps.get()) is not None:
                self._writer.add_step(step.observation, step.requested, step.executed)
            failure = None
        except CrlError as error:
            failure = error
        finally:
            self.failure = failure
