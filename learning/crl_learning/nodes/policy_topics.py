"""What the policy node publishes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64, Float64MultiArray, String

from crl_learning.goals.check import CheckedGoal
from crl_learning.runtime.goal_run import Outcome
from crl_robot.image_spec import ImageSpec
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.messages import ACTION_QOS, LATCHED_QOS, STATE_QOS, msg_from_action, msg_from_image

THUMBNAIL_PX = 160
"""Width of a stage in policy/goal_strip."""


class PolicyTopics:
    """Publishers of actions, goals, progress, timing and status."""

    def __init__(self, node: CrlNode, spec: ImageSpec) -> None:
        self._node, self._spec = node, spec
        self._frame_id = f"{spec.camera}_optical_frame"
        make = node.create_publisher
        self._actions = make(JointState, "arm/action", ACTION_QOS)
        self._planned = make(JointState, "policy/planned", STATE_QOS)
        self._goals = make(Image, "policy/goal", LATCHED_QOS)
        self._native = make(Image, "policy/goal_native", LATCHED_QOS)
        self._strip = make(Image, "policy/goal_strip", LATCHED_QOS)
        self._view = make(Image, "policy/view", STATE_QOS)
        self._estimates = make(Float64, "policy/estimate", STATE_QOS)
        self._timings = make(Float64MultiArray, "policy/timing", STATE_QOS)
        self._progress = make(String, "policy/progress", STATE_QOS)
        self._statuses = make(String, "policy/status", LATCHED_QOS)

    def send(self, outcome: Outcome) -> None:
        """Command the arm, if the tick ended so, and tell the timing of the tick."""
        tick = outcome.tick
        if tick.action is not None:
            msg = msg_from_action(tick.action, self._node.get_fully_qualified_name())
            if outcome.send:
                self._actions.publish(msg)
            self._planned.publish(msg)
        if math.isfinite(tick.estimate):
            self._estimates.publish(Float64(data=tick.estimate))
        self._timings.publish(Float64MultiArray(data=[tick.lateness_ms, tick.age_ms, tick.inference_ms]))

    def tell_progress(self, facts: Mapping[str, Any]) -> None:
        """One tick's progress."""
        self._progress.publish(String(data=json.dumps(facts)))

    def tell_status(self, facts: Mapping[str, Any]) -> None:
        """The status, latched."""
        self._statuses.publish(String(data=json.dumps(facts)))

    def show_view(self, live: NDArray[np.uint8], stamp_ns: int) -> None:
        """The live image as the network sees it, when somebody looks."""
        if self._view.get_subscription_count():
            self._view.publish(msg_from_image(self._spec.apply(live), stamp_ns, self._frame_id))

    def show_goal(self, goal: CheckedGoal, seen: NDArray[np.uint8], now_ns: int) -> None:
        """The present goal, as the network sees it and at the camera's size."""
        self._native.publish(msg_from_image(goal.goal.image, now_ns, self._frame_id))
        self._goals.publish(msg_from_image(seen, now_ns, self._frame_id))

    def show_stages(self, goals: Sequence[CheckedGoal], now_ns: int) -> None:
        """Thumbnails of all stages side by side."""
        width, height = self._spec.native
        size = (THUMBNAIL_PX, max(1, round(THUMBNAIL_PX * height / width)))
        small = [cv2.resize(goal.goal.image, size, interpolation=cv2.INTER_AREA) for goal in goals]
        strip = np.ascontiguousarray(np.hstack(small), dtype=np.uint8)
        self._strip.publish(msg_from_image(strip, now_ns, self._frame_id))
