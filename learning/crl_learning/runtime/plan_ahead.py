"""Asks a planner on a thread of its own, one question at a time; answers to older questions are dropped."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_learning.goals.reference import FrameName
from crl_learning.planning.plan import Plan, Planner
from crl_robot.errors import CrlError


class PlanAhead:
    """One question that is open at most. All methods are called by one thread at a time.

    Args:
        count: most waypoints of a plan.
        executor: where plans are made; a thread by default.
    """

    def __init__(self, planner: Planner, count: int, executor: Executor | None = None) -> None:
        self._planner, self._count = planner, count
        self._executor = executor or ThreadPoolExecutor(1, thread_name_prefix="planner")
        self._open: Future[Plan] | None = None

    @property
    def asked(self) -> bool:
        """Whether a question is open."""
        return self._open is not None

    def ask(self, view: NDArray[np.uint8], goal: NDArray[np.uint8], avoid: frozenset[FrameName]) -> None:
        """Ask for a plan, as `Planner.plan`; the question before is forgotten."""
        self.forget()
        self._open = self._executor.submit(self._planner.plan, view, goal, self._count, avoid)

    def answer(self) -> Plan | CrlError | None:
        """The plan, or why there is none; None as long as it is not known. Then the question is no longer open."""
        if self._open is None or not self._open.done():
            return None
        done, self._open = self._open, None
        try:
            return done.result()
        except CrlError as error:
            return error

    def forget(self) -> None:
        """Take no answer to the open question."""
        if self._open is not None:
            self._open.cancel()
        self._open = None

    def close(self) -> None:
        """Take no more questions."""
        self.forget()
        self._executor.shutdown(wait=False, cancel_futures=True)


class AtOnce(Executor):
    """Does what it is given before it returns, for simulated time, which stands still meanwhile."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do it now; the future holds the result, or the CrlError that was raised."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except CrlError as error:
            future.set_exception(error)
        return future
