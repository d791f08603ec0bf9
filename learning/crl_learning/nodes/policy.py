"""The policy as a ROS node: topics and parameters around `PolicyLoop`.

The control thread keeps the rate; the executor's thread only stores what arrives. The node never tells the arm to
stop: it falls silent, and the arm holds by itself within two control periods, also when this process is killed.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch  # before MuJoCo opens a GL context: the other order crashes
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64, Float64MultiArray, String
from std_srvs.srv import Trigger

from crl_learning.assets import checkpoint_folder
from crl_learning.goal_policy import GoalPolicy, NullPolicy
from crl_learning.policy_loop import Policy, PolicyLoop, Tick
from crl_robot.contracts import ActionSpec
from crl_robot.errors import ConfigError, ContractError, CrlError, GoalImageError
from crl_robot.goal_image import GoalImage, goal_from_array, load_goal_image
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.messages import (
    ACTION_QOS,
    LATCHED_QOS,
    STATE_QOS,
    frame_from_msg,
    msg_from_action,
    msg_from_image,
)
from crl_robot.nodes.observation_topics import ObservationTopics
from crl_robot.nodes.worker import NEWEST_TICKS, Worker
from crl_robot.streams import ALIGN_TOLERANCE_S

GOAL_TOPIC = "goal/image"


class PolicyNode(CrlNode):
    """Acts towards one goal image at the checkpoint's rate."""

    def __init__(self) -> None:
        super().__init__("policy")
        self._checkpoint = self.setting(
            "checkpoint",
            "models/reach",
            "checkpoint folder, from the caller's folder; 'null' never moves (for benches)",
        )
        self._goal_path = self.setting(
            "goal", "", f"goal image file, from the caller's folder; '' waits on {GOAL_TOPIC}"
        )
        self._rate_hz = self.setting("rate_hz", 0.0, "control rate in Hz; 0 takes the checkpoint's", 0.0, 100.0)
        self._max_age_ms = self.setting(
            "max_age_ms", 300.0, "images and arm states older than this are not acted on", 1.0, 10_000.0
        )
        self._align_ms = self.setting(
            "align_ms",
            1e3 * ALIGN_TOLERANCE_S,
            "images and the arm state farther apart than this are not acted on",
            1.0,
            10_000.0,
        )
        self._start_on_activate = self.setting(
            "start_on_activate", True, "begin to act on activation; false waits for /policy/start"
        )
        self._threads = self.setting("threads", 1, "CPU threads of the network", 1, 64)
        self._silence = threading.Lock()
        self._worker: Worker | None = None
        self._goal: GoalImage | None = None
        self._goal_refused = ""
        self._closers: list[Callable[[], object]] = []

    def open_all(self) -> None:
        """Load checkpoint and goal, make the topics; nothing is acted on yet."""
        torch.set_num_threads(self._threads)
        self._policy = load_policy(self._checkpoint, self._rate_hz)
        goal = load_goal_image(self._goal_path, self._policy.image_spec.native) if self._goal_path else None
        self._loop = PolicyLoop(self._policy)
        self._make_topics()
        if goal is not None:
            self._take_goal(goal)

    def start(self) -> None:
        """Begin to act, unless that is left to /policy/start."""
        if self._start_on_activate:
            self._begin()
        self._publish_status()

    def pause(self) -> None:
        """Fall silent; the arm holds by itself."""
        self._end()
        self._publish_status()

    def close_all(self) -> None:
        """Close all topics."""
        for close in self._closers:
            close()
        self._closers = []

    def diagnose(self) -> tuple[bool, str, Mapping[str, Any]]:
        """What the node does or waits for, lateness of the control ticks, frames received and lost."""
        if not self._closers:
            return True, "not configured", {}
        status = self._status()
        return not self._goal_refused, f"{status['state']} {status['reason']}".strip(), status

    def _make_topics(self) -> None:
        spec = self._policy.image_spec
        self._observations = ObservationTopics(
            self,
            {spec.camera: spec.native},
            self._policy.action_spec,
            self._max_age_ms / 1e3,
            self._align_ms / 1e3,
            require=lambda declared, robot: self._policy.require_robot(declared, spec.native, robot),
        )
        self._actions = self.create_publisher(JointState, "arm/action", ACTION_QOS)
        self._goals = self.create_publisher(Image, "policy/goal", LATCHED_QOS)
        self._estimates = self.create_publisher(Float64, "policy/estimate", STATE_QOS)
        self._timings = self.create_publisher(Float64MultiArray, "policy/timing", STATE_QOS)
        self._statuses = self.create_publisher(String, "policy/status", LATCHED_QOS)
        publishers = (self._actions, self._goals, self._estimates, self._timings, self._statuses)
        goals = self.create_subscription(Image, GOAL_TOPIC, self._on_goal, 1)
        services = (
            self.create_service(Trigger, "policy/start", self._on_start),
            self.create_service(Trigger, "policy/stop", self._on_stop),
        )
        timer = self.create_timer(1.0, self._publish_status)
        self._closers = [
            partial(self.destroy_timer, timer),
            self._observations.close,
            partial(self.destroy_subscription, goals),
            *(partial(self.destroy_service, service) for service in services),
            *(partial(self.destroy_publisher, publisher) for publisher in publishers),
        ]

    def _begin(self) -> None:
        if self._worker is None:
            self._worker = Worker("control", self._policy.action_spec.period_s, self._tick, self._fail)
            self._worker.start()

    def _end(self) -> None:
        """Nothing is published once this returns, also while the last tick still computes."""
        with self._silence:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop(timeout_s=1.0)

    def _tick(self) -> None:
        """One control tick, on the control thread."""
        worker = self._worker
        if worker is None:
            return
        observation = self._observations.observe(self._now_ns())
        tick = self._loop.tick(observation, worker.stats.samples_ms[-1])
        with self._silence:
            if self._worker is worker:
                self._publish(tick)

    def _publish(self, tick: Tick) -> None:
        if tick.action is not None:
            self._actions.publish(msg_from_action(tick.action, self.get_fully_qualified_name()))
        if math.isfinite(tick.estimate):
            self._estimates.publish(Float64(data=tick.estimate))
        self._timings.publish(Float64MultiArray(data=[tick.lateness_ms, tick.age_ms, tick.inference_ms]))

    def _fail(self, error: CrlError) -> None:
        self.failure = error

    def _take_goal(self, goal: GoalImage) -> None:
        seen = self._loop.set_goal(goal.image)
        self._goal, self._goal_refused = goal, ""
        for warning in goal.warnings:
            self.get_logger().warning(warning)
        self._goals.publish(msg_from_image(seen, self._now_ns(), f"{self._policy.image_spec.camera}_optical_frame"))

    def _on_goal(self, msg: Image) -> None:
        """A goal by topic; one that is refused leaves the goal before it in force."""
        try:
            image = frame_from_msg(msg, self._now_ns()).image
            self._take_goal(goal_from_array(image, self._policy.image_spec.native, GOAL_TOPIC))
        except (ContractError, GoalImageError) as error:
            self._goal_refused = str(error)
            self.get_logger().error(f"goal refused: {error}")
        self._publish_status()

    def _on_start(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success = self.active
        response.message = "acting" if self.active else "the node is not active; activate it first"
        if self.active:
            self._begin()
            self._publish_status()
        return response

    def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._end()
        self._publish_status()
        response.success, response.message = True, "silent; the arm holds"
        return response

    def _status(self) -> dict[str, Any]:
        running = self._worker is not None
        goal = self._goal
        waiting = self._observations.why_not(self._now_ns())
        return {
            "state": "running" if running else "ready" if self.active else "inactive",
            "reason": waiting or ("" if goal else f"no goal yet, send one to {GOAL_TOPIC}"),
            "checkpoint": self._checkpoint,
            "goal": goal.source if goal else "",
            "goal_warnings": list(goal.warnings) if goal else [],
            "goal_refused": self._goal_refused,
            "image_spec": self._policy.image_spec.hash,
            "action_spec": self._policy.action_spec.to_dict(),
            "counters": dict(self._loop.counters),
            "messages_refused": self._observations.refused,
            "lateness_ms": self._worker.stats.summary(NEWEST_TICKS) if self._worker is not None else None,
            "missed": self._worker.stats.missed if self._worker is not None else 0,
            "frames_age_ms": self._observations.ages_ms(self._now_ns()),
            **self._observations.counts(),
        }

    def _publish_status(self) -> None:
        self._statuses.publish(String(data=json.dumps(self._status())))

    def _now_ns(self) -> int:
        return self.get_clock().now().nanoseconds


def load_policy(checkpoint: str, rate_hz: float) -> Policy:
    """The policy of a checkpoint folder, or one that never moves for 'null'.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        ConfigError: ``rate_hz`` is neither 0 nor the checkpoint's: deltas are per tick, so the rate is not free.
    """
    if checkpoint == "null":
        return NullPolicy(ActionSpec(rate_hz=rate_hz or ActionSpec().rate_hz))
    policy = GoalPolicy.load(checkpoint_folder(checkpoint))
    trained = policy.action_spec.rate_hz
    if rate_hz not in (0.0, trained):
        raise ConfigError(
            f"rate_hz is {rate_hz} Hz, the checkpoint {checkpoint} was trained at {trained} Hz; leave rate_hz at 0"
        )
    return policy
