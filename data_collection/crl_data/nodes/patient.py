"""Services whose answers take their time: worked off one by one on a thread, while messages go on being delivered."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import rclpy.task
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from std_srvs.srv import SetBool, Trigger

from crl_robot.errors import CrlError


class PatientServices:
    """Trigger and SetBool services of a node that answer with a sentence, or with the CrlError they raised.

    The executor has one thread, which a callback that waits gives back; a callback group of its own keeps the wait from
    holding up the node's other callbacks.

    Args:
        after: called before each answer is sent, to tell others what has changed.
    """

    def __init__(self, node: Node, after: Callable[[], None] = lambda: None) -> None:
        self._node, self._after = node, after
        self._group = MutuallyExclusiveCallbackGroup()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="services")

    def trigger(self, name: str, do: Callable[[], str]) -> None:
        """Offer a Trigger service."""

        async def answer(_: Any, response: Any) -> Any:
            return await self._answer(response, do)

        self._serve(Trigger, name, answer)

    def set_bool(self, name: str, do: Callable[[bool], str]) -> None:
        """Offer a SetBool service."""

        async def answer(request: Any, response: Any) -> Any:
            return await self._answer(response, lambda: do(request.data))

        self._serve(SetBool, name, answer)

    def wait(self) -> None:
        """Until what was asked for so far is done."""
        self._worker.submit(lambda: None).result()

    def close(self) -> None:
        """Wait likewise; nothing more is done after it."""
        self._worker.shutdown(wait=True)

    def _serve(self, kind: Any, name: str, answer: Any) -> None:
        """Callbacks may be coroutines, which the type hints of rclpy do not say."""
        self._node.create_service(kind, name, answer, callback_group=self._group)

    async def _answer(self, response: Any, do: Callable[[], str]) -> Any:
        try:
            response.message = await self._in_background(do)
            response.success = True
            self._node.get_logger().info(response.message)
        except CrlError as error:
            response.success, response.message = False, str(error)
            self._node.get_logger().warning(response.message)
        self._after()
        return response

    async def _in_background(self, do: Callable[[], str]) -> str:
        done: rclpy.task.Future[None] = rclpy.task.Future()
        work: Future[str] = self._worker.submit(do)
        work.add_done_callback(lambda _: done.set_result(None))
        await done
        return work.result()
