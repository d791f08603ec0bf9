"""A thread that repeats one step on an absolute schedule and says when it failed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from crl_robot.errors import CrlError
from crl_robot.schedule import LatenessStats, OnDemand, Schedule

_LOG = logging.getLogger(__name__)

NEWEST_TICKS = 1000
"""Of how many ticks a running node tells the lateness."""


class WorkerError(CrlError, RuntimeError):
    """A worker thread ended although it should run."""


class Worker:
    """Calls ``step`` every ``period_s`` on a thread of its own, then ``finish`` on that same thread.

    Args:
        on_failure: called with the error that ended the thread; never called after `stop`.
        on_demand: says when to call ``step``, in place of the period.
    """

    def __init__(
        self,
        name: str,
        period_s: float,
        step: Callable[[], None],
        on_failure: Callable[[CrlError], None],
        finish: Callable[[], None] | None = None,
        on_demand: OnDemand | None = None,
    ) -> None:
        self._schedule = on_demand or Schedule(period_s)
        self._step, self._finish, self._on_failure = step, finish, on_failure
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def stats(self) -> LatenessStats:
        """Lateness of the steps so far."""
        return self._schedule.stats

    def start(self) -> None:
        """Begin; the schedule starts now."""
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """End after the running step; waits for it, but not for ever: what comes after it must still be closed."""
        self._stopping = True
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if self._thread.is_alive():
            _LOG.error("thread '%s' still runs %g s after it was asked to end", self._thread.name, timeout_s)

    def _run(self) -> None:
        failure: CrlError | None = WorkerError(f"thread '{self._thread.name}' ended; its traceback is in the log")
        self._schedule.restart()
        try:
            while not self._stopping:
                self._schedule.wait()
                self._step()
            failure = None
        except CrlError as error:
            failure = error
        finally:
            try:
                if self._finish is not None:
                    self._finish()
            finally:
                if failure is not None and not self._stopping:
                    self._on_failure(failure)
