"""The ROS node of `crl-bench goals`: offers goals on every way there is, and keeps what the policy makes of them."""

from __future__ import annotations

import array
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Float64MultiArray, Int32, String
from std_srvs.srv import Trigger

from crl_learning.campaigns.goal_offers import Offer
from crl_learning.nodes.eval_client import EvalClient
from crl_robot.graph import GraphError
from crl_robot.nodes.messages import LATCHED_QOS, STATE_QOS, frame_from_msg, time_from_ns

KEPT_FRAMES = 90
ANSWER_S = 10.0
"""An offer without an answer for so long counts as unanswered."""


@dataclass(frozen=True)
class ActedTick:
    """A control tick whose action went to the arm: its values (7,), and the frame it was computed from, if heard."""

    values: NDArray[np.float64]
    image: NDArray[np.uint8] | None
    tick: int


@dataclass(frozen=True)
class Answer:
    """Whether an offer was taken, None without an answer; what was said, and after how many ms."""

    taken: bool | None
    sentence: str
    after_ms: float


class GoalsClient(EvalClient):
    """A context manager; arguments as of `EvalClient`."""

    def __init__(self, env: Mapping[str, str], camera: str, check: Callable[[], None]) -> None:
        super().__init__(env, camera, check)
        self._frames: OrderedDict[int, NDArray[np.uint8]] = OrderedDict()
        self._ticks: list[ActedTick] = []
        self.native: NDArray[np.uint8] | None = None
        """The goal that the policy showed last, at the camera's size."""
        self._native_ns = 0
        self.sent_ns: list[int] = []
        """When each control tick told of itself, on the policy's side: this process may be busy meanwhile."""
        make = self.node.create_publisher
        self._raw, self._coded = make(Image, "goal/image", 1), make(CompressedImage, "goal/image/compressed", 1)
        self._stage = make(Int32, "goal/stage", 1)
        self._capture = self.node.create_client(Trigger, "policy/capture_goal")
        self._next_stage = self.node.create_client(Trigger, "policy/next_stage")
        self._settings = self.node.create_client(SetParameters, "policy/set_parameters")
        self.node.create_subscription(String, "policy/progress", self._on_progress, STATE_QOS)
        self.node.create_subscription(Float64MultiArray, "policy/timing", self._on_sent, STATE_QOS)
        self.node.create_subscription(Image, "policy/goal_native", self._on_native, LATCHED_QOS)

    def wait_for_ways(self) -> None:
        """Wait until all topics and services are there. Raises GraphError."""
        services = self._capture, self._next_stage, self._settings
        topics = self._raw, self._coded, self._stage

        def ready() -> bool:
            return all(one.service_is_ready() for one in services) and all(
                one.get_subscription_count() for one in topics
            )

        self.wait(ready, ANSWER_S, "topics and services of goals")

    def offer(self, offer: Offer) -> Answer:
        """Offer a goal and wait for the answer. Raises GraphError when a process has ended."""
        before, begin = dict(self._answers), time.monotonic()
        try:
            taken, sentence = self._send(offer, before)
        except GraphError as error:
            self._check()
            return Answer(None, str(error), 1e3 * ANSWER_S)
        return Answer(taken, sentence, 1e3 * (time.monotonic() - begin))

    def acted_ticks(self) -> list[ActedTick]:
        """The ticks since this was asked last."""
        ticks, self._ticks = self._ticks, []
        return ticks

    def acts(self) -> bool:
        """Whether an action went to the arm since `acted_ticks` was asked last."""
        return bool(self._ticks)

    @property
    def _answers(self) -> dict[str, int]:
        return self.policy_status["goal_answers"]

    def _send(self, offer: Offer, before: Mapping[str, int]) -> tuple[bool, str]:
        if offer.way == "capture":
            return self._captured(before)
        if offer.way == "next_stage":
            answer = self.call(self._next_stage, Trigger.Request())
            return answer.success, answer.message
        if offer.way == "parameter":
            parameter = Parameter("goal", value=offer.data.decode()).to_parameter_msg()
            (result,) = self.call(self._settings, SetParameters.Request(parameters=[parameter])).results
            return result.successful, result.reason
        self._publish(offer)
        self.wait(lambda: sum(self._answers.values()) > sum(before.values()), ANSWER_S, "answer to the goal")
        taken = self._answers["taken"] > before["taken"]
        return taken, "" if taken else str(self.policy_status["goal_refused"])

    def _captured(self, before: Mapping[str, int]) -> tuple[bool, str]:
        """The picture is known to the policy alone, which shows it before it answers; it may be heard after."""
        answer = self.call(self._capture, Trigger.Request())
        self.wait(lambda: sum(self._answers.values()) > sum(before.values()), ANSWER_S, "status after the capture")
        if answer.success:
            shown_ns = self.policy_status["goal_stamp_ns"]
            self.wait(lambda: self._native_ns == shown_ns, ANSWER_S, "captured goal")
        return answer.success, answer.message

    def _publish(self, offer: Offer) -> None:
        if offer.way == "stage":
            self._stage.publish(Int32(data=offer.number))
            return
        data = array.array("B")
        data.frombytes(offer.data)
        if offer.way == "compressed":
            self._coded.publish(CompressedImage(format="jpeg", data=data))
            return
        msg = Image(encoding=offer.encoding, width=offer.width, height=offer.height, step=offer.step, data=data)
        msg.header.stamp = time_from_ns(self.now_ns())
        if offer.stamp is not None:
            msg.header.stamp.sec, msg.header.stamp.nanosec = offer.stamp
        self._raw.publish(msg)

    def _on_image(self, msg: Image) -> None:
        frame = frame_from_msg(msg, self.now_ns())
        self._frames[frame.stamp_ns] = frame.image.copy()
        if len(self._frames) > KEPT_FRAMES:
            self._frames.popitem(last=False)

    def _on_progress(self, msg: String) -> None:
        tick: dict[str, Any] = json.loads(msg.data)
        if tick["acting"] and tick["action"] is not None:
            image = self._frames.get(tick["stamp_ns"])
            self._ticks.append(ActedTick(np.array(tick["action"]), image, tick["tick"]))

    def _on_sent(self, msg: Float64MultiArray, info: Mapping[str, Any]) -> None:
        self.sent_ns.append(int(info["source_timestamp"]))

    def _on_native(self, msg: Image) -> None:
        frame = frame_from_msg(msg, self.now_ns())
        self.native, self._native_ns = frame.image.copy(), frame.stamp_ns
