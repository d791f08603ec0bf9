"""What the page's server asks of the graph, from its own thread: services and goals."""

from __future__ import annotations

import array
import asyncio
from collections.abc import Callable
from typing import Any

from rclpy.parameter import Parameter
from rclpy.parameter_client import AsyncParameterClient
from rclpy.task import Future
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Int32
from std_srvs.srv import SetBool, Trigger

from crl_learning.page.board import Board
from crl_learning.page.controls import CALLS, KEEP, Call
from crl_robot.errors import ConfigError
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.messages import msg_from_image, time_from_ns


class PageRobot:
    """The page's `Robot`.

    Args:
        answer_s: silence of a service that counts as a failure; a recorder takes its time to make an episode durable.
    """

    def __init__(self, node: CrlNode, board: Board, answer_s: float) -> None:
        self._node, self._board, self._answer_s = node, board, answer_s
        calls = {call for group in (CALLS, KEEP) for steps in group.values() for call in steps}
        kinds = {call.service: Trigger if call.value is None else SetBool for call in calls}
        self._clients: dict[str, Any] = {name: node.create_client(kind, name) for name, kind in kinds.items()}
        self._policy = AsyncParameterClient(node, "policy")
        self._goals = node.create_publisher(Image, "goal/image", 1)
        self._goal_files = node.create_publisher(CompressedImage, "goal/image/compressed", 1)
        self._stages = node.create_publisher(Int32, "goal/stage", 1)
        self.viewers = 0
        """Browsers that watch."""

    async def call(self, call: Call) -> tuple[bool, str]:
        """Call a service and wait for its answer, on the server's thread."""
        client = self._clients[call.service]
        name = self._node.resolve_service_name(call.service)
        if not client.service_is_ready():
            return False, f"{name} is not there; is its node running?"
        asked = client.call_async(Trigger.Request() if call.value is None else SetBool.Request(data=call.value))
        answer = await self._wait(asked)
        if answer is None:
            client.remove_pending_request(asked)
            later = "its node may still do it as soon as it goes on; see its log"
            return False, f"{name} gave no answer within {self._answer_s:g} s; {later}"
        return bool(answer.success), str(answer.message)

    async def set_speed(self, speed: float) -> tuple[bool, str]:
        """Set the policy's parameter, on the server's thread."""
        if not self._policy.services_are_ready():
            return False, "the policy is not there; is its node running?"
        answer = await self._wait(self._policy.set_parameters([Parameter("speed", value=speed)]))
        refused = ["no answer"] if answer is None else [r.reason for r in answer.results if not r.successful]
        return not refused, refused[0] if refused else f"speed {100 * speed:.0f} %"

    def send_goal(self, goal_id: str) -> None:
        """Publish a goal of the shelf."""
        image = self._board.goals.get(goal_id).image
        self._require_policy()
        self._goals.publish(msg_from_image(image, self._node.now_ns(), "goal"))

    def send_goal_file(self, data: bytes) -> None:
        """Publish a file as it is; the policy decodes and checks it."""
        self._require_policy()
        msg = CompressedImage(format="")
        msg.header.stamp = time_from_ns(self._node.now_ns())
        msg.data = array.array("B", data)
        self._goal_files.publish(msg)

    def send_stage(self, stage: int) -> None:
        """Publish the number of a stage."""
        self._require_policy()
        self._stages.publish(Int32(data=stage))

    def set_viewers(self, viewers: int) -> None:
        """Noted; who subscribes looks at it."""
        self.viewers = viewers

    async def _wait(self, asked: Future) -> Any:
        """The answer, which the executor's thread takes in; None when none came in time."""
        loop = asyncio.get_running_loop()
        arrived: asyncio.Future[Any] = loop.create_future()
        asked.add_done_callback(_teller(loop, arrived))
        try:
            return await asyncio.wait_for(arrived, self._answer_s)
        except TimeoutError:
            return None

    def _require_policy(self) -> None:
        """A goal that nobody hears would be lost in silence."""
        if self._board.facts("policy") is None:
            raise ConfigError("the policy is not heard, so nobody takes the goal; start its node")


def _teller(loop: asyncio.AbstractEventLoop, arrived: asyncio.Future[Any]) -> Callable[[Future], None]:
    """From the executor's thread to the server's, which may have given up or ended."""

    def take(answer: Any) -> None:
        if not arrived.done():
            arrived.set_result(answer)

    def tell(done: Future) -> None:
        if not loop.is_closed() and not done.cancelled():
            loop.call_soon_threadsafe(take, done.result())

    return tell
