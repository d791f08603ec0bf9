"""Decodes goals on a thread of its own: a large photograph takes a second, and camera frames must go on to arrive.

What becomes of each is decided on the executor's thread again, where everything else of the node happens.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from crl_robot.errors import CrlError, GoalImageError
from crl_robot.goal_image import GoalImage
from crl_robot.nodes.common import CrlNode


class GoalReader:
    """Reads one goal after another; only the newest is taken.

    Args:
        take: given a goal on the executor's thread; raises CrlError when it is refused.
        refused: told there why one was not taken.
    """

    def __init__(self, node: CrlNode, take: Callable[[GoalImage], None], refused: Callable[[CrlError], None]) -> None:
        self._node, self._take, self._refused = node, take, refused
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="goals")
        self._newest = 0

    def read(self, make: Callable[[], GoalImage]) -> None:
        """Call ``make`` on the thread, unless another goal comes before its turn; then answer."""
        self.forget()
        number = self._newest
        future = self._thread.submit(lambda: make() if number == self._newest else None)
        future.add_done_callback(lambda done: self._hand_over(number, done))

    def forget(self) -> None:
        """Take none of those that are being read: there is a later goal."""
        self._newest += 1

    def close(self) -> None:
        """Wait for the one that is being read."""
        self.forget()
        self._thread.shutdown(cancel_futures=True)

    def _hand_over(self, number: int, done: Future[GoalImage | None]) -> None:
        executor = self._node.executor
        if executor is not None and not done.cancelled():
            executor.create_task(self._answer, number, done)

    def _answer(self, number: int, done: Future[GoalImage | None]) -> None:
        try:
            goal = done.result()
            if goal is None or number != self._newest:
                raise GoalImageError("a later goal came before this one was read; nothing needs to be done")
            self._take(goal)
        except CrlError as error:
            self._refused(error)
