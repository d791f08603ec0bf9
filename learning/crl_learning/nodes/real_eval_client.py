"""The rig of trials on a robot over ROS: camera, arm, policy node, and the operator's keys and overlay."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image, Joy
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from crl_data.nodes.joy_topics import JOY_QOS, JOY_TOPIC, KEYS_TOPIC
from crl_data.teleop.inputs import JoyInput
from crl_data.teleop.layout import load_layout
from crl_learning.nodes.eval_client import READY_TIMEOUT_S, EvalClient
from crl_learning.real_eval.walk import Draw, Opinion
from crl_robot.contracts import ActionSpec
from crl_robot.errors import ContractError
from crl_robot.graph import GraphError
from crl_robot.nodes.messages import LATCHED_QOS, STATE_QOS, msg_from_image

OVERLAY_TOPIC = "real_eval/overlay"
OVERLAY_PERIOD_S = 0.2
HOMING_S = 60.0
LATE_S = 10.0
"""What a run may take beyond twice its control ticks."""

Picture = NDArray[np.uint8]


class RealEvalClient(EvalClient):
    """A `Rig`. Prompts go to session/status, which the keyboard node shows; its keys come back on session/keys.

    Args:
        layout: of a gamepad on /joy, for its session buttons.
    """

    def __init__(self, camera: str, layout: str = "plain") -> None:
        super().__init__({}, camera, lambda: None)
        self._progress: list[dict[str, Any]] = []
        self._pressed: list[str] = []
        self._layout = load_layout(layout)
        self._overlays = self.node.create_publisher(Image, OVERLAY_TOPIC, STATE_QOS)
        self._prompts = self.node.create_publisher(String, "session/status", LATCHED_QOS)
        self._home = self.node.create_client(Trigger, "arm/home")
        self._success = self.node.create_client(SetBool, "run/success")
        subscribe = self.node.create_subscription
        subscribe(String, "policy/progress", self._on_progress, STATE_QOS)
        for topic, known in ((KEYS_TOPIC, load_layout("plain")), (JOY_TOPIC, self._layout)):
            subscribe(Joy, topic, partial(self._on_joy, JoyInput(known)), JOY_QOS)

    def wait_until_ready(self) -> None:
        """Until camera, arm and policy are there. Raises GraphError when one does not come."""
        self.wait_for_policy()
        self.wait(lambda: self.frame is not None and bool(self.arm_status), READY_TIMEOUT_S, "camera image and arm")

    def view(self) -> Picture:
        """What the camera sees from now on. Raises GraphError when it sees nothing more."""
        before = self.frame
        self.wait(lambda: self.frame is not before, READY_TIMEOUT_S, "camera image")
        if self.frame is None:
            raise GraphError("the camera has sent no image; is its node running?")
        return self.frame.image

    def say(self, words: str) -> None:
        """In the log, and where the keyboard's terminal shows it."""
        self.node.get_logger().info(words)
        self._prompts.publish(String(data=json.dumps({"prompt": words, "busy": False})))

    def ask(self, words: str, keys: dict[str, str], draw: Draw | None = None) -> str:
        """Wait for a key, however long; meanwhile the overlay is published."""
        choices = ", ".join(f"{self._layout.label(key)}: {meaning}" for key, meaning in keys.items())
        self.say(f"{words} | {choices}")
        self._pressed.clear()
        while not (chosen := [key for key in self._pressed if key in keys]):
            self._pressed.clear()
            if draw is not None and self.frame is not None:
                self._overlays.publish(msg_from_image(draw(self.frame.image), self.now_ns(), "overlay"))
            self.wait_for(OVERLAY_PERIOD_S)
        return chosen[0]

    def home(self) -> None:
        """Enable the arm, move it home, disable it. Raises GraphError when it does not come there."""
        self.enable_arm()
        self.succeed(self._home)
        self.wait(self._is_home, HOMING_S, self._why_not_home)
        self.disable_arm()

    def run(self, goal: Picture, ticks: int) -> Opinion:
        """Let the policy act for so many control ticks, or until its run ends by itself or the operator stops it."""
        self.set_goal(goal)
        self.enable_arm()
        self._progress.clear()
        self._pressed.clear()
        self.start_policy()
        period_s = ActionSpec.from_dict(self.arm_status["action_spec"]).period_s
        limit_s = time.monotonic() + 2 * ticks * period_s + LATE_S
        self.wait(
            lambda: len(self._acted()) >= ticks or self._over() or time.monotonic() > limit_s,
            2 * ticks * period_s + LATE_S + READY_TIMEOUT_S,
            "end of the run",
        )
        ended = "" if self._over() else "ticks" if len(self._acted()) >= ticks else "too slow"
        if self.policy_status["state"] == "running":
            self.stop_policy()
        self.wait_for(period_s)  # the last control tick has its whole period
        self.disable_arm()
        self.wait(lambda: self.policy_status["state"] == "ended", READY_TIMEOUT_S, "end of the run")
        return self._opinion(ended)

    def record_verdict(self, success: bool) -> None:
        """Mark the recorded run, where runs are recorded; a mark that cannot be kept is told."""
        if self._success.service_is_ready():
            answer = self.call(self._success, SetBool.Request(data=success))
            if not answer.success:
                self.say(f"the record of the run is not marked: {answer.message}")

    def _acted(self) -> list[dict[str, Any]]:
        """What was told of the control ticks in which the policy acted."""
        return [one for one in self._progress if one["acting"]]

    def _over(self) -> bool:
        """Whether the run ended before its time."""
        return "stop" in self._pressed or self.policy_status.get("state") != "running"

    def _opinion(self, ended: str) -> Opinion:
        acted, run = self._acted(), str(self.policy_status["run"])
        if not ended:
            by_itself = (self.policy_status["ended"] or {}).get("verdict", "")
            ended = "operator" if "stop" in self._pressed else by_itself
        known = [one for one in acted if one["reached_score"] is not None]
        if not known:
            return Opinion(None, None, None, ended, len(acted), run)
        last, any_time = known[-1], any(one["reached"] for one in known)
        return Opinion(last["reached"], any_time, last["reached_score"], ended, len(acted), run)

    def _is_home(self) -> bool:
        return self.arm_status["mode"] != "moving" and self.arm_status["reason"] == "at home"

    def _why_not_home(self) -> str:
        return f"arm at home (it is {self.arm_status['mode']}: {self.arm_status['reason']})"

    def _on_progress(self, msg: String) -> None:
        self._progress.append(json.loads(msg.data))

    def _on_joy(self, joy: JoyInput, msg: Joy) -> None:
        try:
            self._pressed += sorted(joy.take(msg.axes, msg.buttons, time.monotonic()))
        except ContractError as error:
            self.node.get_logger().warning(f"buttons refused: {error}", throttle_duration_sec=5.0)
