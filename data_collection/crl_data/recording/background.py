"""Fills an episode on a thread of its own, so that coding images never delays whoever receives them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from crl_data.recording.bounded import BoundedQueue
from crl_data.recording.matching import Step
from crl_data.telling import Told
from crl_data.writer import EpisodeWriter
from crl_robot.contracts import ArmState
from crl_robot.errors import CrlError, StoreError

STATES_CAPACITY = 2000


class BackgroundWriter:
    """Takes steps and arm states without waiting; what its queue cannot hold is dropped and counted.

    When something cannot be written, what came before it is kept: ``failure`` is set, all that follows is dropped and
    counted, and the episode can still be finished.

    Args:
        writer: an empty episode; belongs to this object from now on.
        capacity: steps that may wait to be coded.
    """

    def __init__(self, writer: EpisodeWriter, capacity: int) -> None:
        self._writer = writer
        self._capacity = capacity
        self._queue = BoundedQueue({"step": capacity, "state": STATES_CAPACITY, "goal": capacity})
        kinds = {"steps": "step", "arm": "state"} | dict.fromkeys(writer.cameras, "step")
        self._kinds = kinds
        self._offered, self._written = dict.fromkeys(kinds, 0), dict.fromkeys(kinds, 0)
        self._offered_ns: dict[str, int] = {}
        self._written_ns: dict[str, int] = {}
        self._goal = -1
        self.failure: CrlError | None = None
        """What ended the coding; what was written before it can still be finished."""
        self.told: dict[str, Any] = {}
        """Options of the finished episode that belong to what was told."""
        self.untold = ""
        """Why what was told is not in the episode; '' where it is."""
        self.taken = 0
        """Steps taken in, coded or waiting."""
        self.bytes_written = 0
        self.last: Step | None = None
        """The last step that was written."""
        self._thread = threading.Thread(target=self._run, name="coding", daemon=True)
        self._thread.start()

    @property
    def id(self) -> str:
        """The episode's."""
        return self._writer.id

    @property
    def waiting(self) -> float:
        """How full the queue of steps is, 0..1."""
        return self._queue.waiting("step") / self._capacity

    @property
    def lost(self) -> dict[str, int]:
        """Steps, arm states and frames by camera that were offered, and are neither written nor about to be."""
        unfinished = {kind: self._queue.unfinished(kind) for kind in ("step", "state")}  # first: one may be written now
        return {
            name: max(0, self._offered[name] - self._written[name] - unfinished[kind])
            for name, kind in self._kinds.items()
        }

    @property
    def written(self) -> int:
        """Steps that are in the episode."""
        return self._written["steps"]

    @property
    def dropped(self) -> int:
        """Steps refused because too many waited, or because they were not later than the one before."""
        return self._offered["steps"] - self.taken

    def offer(self, step: Step) -> None:
        """Take a step, or drop it when too many wait already or it is not later than the last one."""
        self._count(self._offered, self._offered_ns, step)
        stamp_ns = step.observation.stamp_ns
        if stamp_ns > self._offered_ns.get("step", -1) and self._queue.offer("step", step):
            self.taken += 1
            self._offered_ns["step"] = stamp_ns

    def offer_state(self, state: ArmState) -> None:
        """Take an arm state of the arm's own rate, or drop it likewise."""
        self._offered["arm"] += 1
        stamp_ns = state.joints.stamp_ns
        if stamp_ns > self._offered_ns.get("state", -1) and self._queue.offer("state", state):
            self._offered_ns["state"] = stamp_ns

    def mark_goal(self) -> int:
        """Mark the newest step as a goal; returns it. Raises StoreError when there is none or no room."""
        if not self.taken:
            raise StoreError(f"episode '{self.id}' has no steps yet; mark a goal when it has")
        step = self.taken - 1
        if step == self._goal:
            return step
        if self.failure is not None or not self._queue.offer("goal", None):
            raise StoreError(f"the goal was not marked: {self.failure or 'too many steps wait to be coded; try again'}")
        self._goal = step
        return step

    def end(self) -> None:
        """Take nothing more, and wait until all that waits is written."""
        self._queue.close()
        self._thread.join()

    def finish(
        self,
        *,
        success: bool | None,
        note: str,
        final: ArmState | None,
        lost: Mapping[str, int],
        told: Told | None = None,
    ) -> None:
        """Make the episode complete and durable, to be accepted or discarded; can be tried again after an error.

        Args:
            success, note, final: see `EpisodeWriter.commit`.
            lost: what was lost before it came here; what was lost here is added.
            told: what a policy told; where it cannot be added, the episode is finished without, see ``untold``.

        Raises:
            CrlError: nothing was written, or the disk refused; the steps are kept.
        """
        self.end()
        if self.failure is not None and self.last is None:
            raise self.failure
        total = {name: lost.get(name, 0) + self.lost.get(name, 0) for name in {*lost, *self.lost}}
        whole = partial(self._writer.finish, success, note, final=final, lost=dict(sorted(total.items())))
        if told is None or not self._finish_with(told, whole):
            whole()

    def accept(self, **changes: Any) -> str:
        """Let the finished episode appear in the store, with these attributes changed; returns its id."""
        return self._writer.accept(**changes)

    def discard(self) -> None:
        """Forget the episode, finished or not."""
        self.end()
        self._writer.discard()

    def _finish_with(self, told: Told, finish: Callable[[], object]) -> bool:
        """Finish the episode with what was told; whether that could be done. Raises StoreError."""
        try:
            self._writer.tell(told)
            finish()
        except CrlError as error:
            self.untold = str(error)
            self._writer.untell()
            return False
        self.told, self.untold = self._writer.told, ""
        return True

    def _count(self, counts: dict[str, int], newest_ns: dict[str, int], step: Step) -> None:
        """Count a step, and those of its frames that the step before did not have."""
        counts["steps"] += 1
        for name in self._writer.cameras:
            stamp_ns = step.observation.frames[name].stamp_ns
            counts[name] += int(newest_ns.get(name) != stamp_ns)
            newest_ns[name] = stamp_ns

    def _run(self) -> None:
        done = False
        try:
            while (entry := self._queue.take()) is not None:
                if self.failure is None:
                    self._write(*entry)
            done = True
        finally:
            if not done:
                self._queue.abandon()
                self.failure = StoreError("the thread that codes images ended; its traceback is in the log")

    def _write(self, kind: str, item: Any) -> None:
        try:
            if kind == "goal":
                self._writer.mark_goal()
            elif kind == "state":
                self._writer.add_state(item)
                self._written["arm"] += 1
            else:
                self._writer.add_step(item.observation, item.requested, item.executed)
                self._count(self._written, self._written_ns, item)
                self.bytes_written = self._writer.size
                self.last = item
        except CrlError as error:
            self.failure = error
