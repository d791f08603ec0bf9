"""What the policy node publishes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rclpy.publisher import Publisher
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64, Float64MultiArray, String

from crl_learning.goals.check import CheckedGoal
from crl_learning.planning.plan import Plan
from crl_learning.runtime.outcome import Outcome
from crl_learning.views import Views
from crl_robot.contracts import Frame
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.messages import ACTION_QOS, LATCHED_QOS, STATE_QOS, msg_from_action, msg_from_image

THUMBNAIL_PX = 160
"""Width of a stage in policy/goal_strip."""


class PolicyTopics:
    """Publishers of actions, goals, progress, timing and status.

    Args:
        camera: whose part of goals and views is shown.
    """

    def __init__(self, node: CrlNode, views: Views, camera: str) -> None:
        self._node, self._views, self._camera = node, views, camera
        self._shown_ns = 0
        self._frame_id = f"{camera}_optical_frame"
        make = node.create_publisher
        self._actions: Publisher[JointState] | None = None
        self._planned = make(JointState, "policy/planned", STATE_QOS)
        self._goals = make(Image, "policy/goal", LATCHED_QOS)
        self._native = make(Image, "policy/goal_native", LATCHED_QOS)
        others = [name for name in views.cameras if name != camera]
        self._others = {name: make(Image, f"policy/goal_native/{name}", LATCHED_QOS) for name in others}
        self._strip = make(Image, "policy/goal_strip", LATCHED_QOS)
        self._waypoints = make(Image, "policy/waypoints", LATCHED_QOS)
        self._view = make(Image, "policy/view", STATE_QOS)
        self._estimates = make(Float64, "policy/estimate", STATE_QOS)
        self._timings = make(Float64MultiArray, "policy/timing", STATE_QOS)
        self._progress = make(String, "policy/progress", STATE_QOS)
        self._statuses = make(String, "policy/status", LATCHED_QOS)
        self.be_source(True)

    @property
    def is_source(self) -> bool:
        """Whether this node is a command source of the arm."""
        return self._actions is not None

    def be_source(self, wanted: bool) -> None:
        """Be a command source of the arm, or none: others keep silent beside a publisher of Actions."""
        if wanted and self._actions is None:
            self._actions = self._node.create_publisher(JointState, "arm/action", ACTION_QOS)
        elif not wanted and self._actions is not None:
            actions, self._actions = self._actions, None
            self._node.destroy_publisher(actions)

    def send(self, outcome: Outcome) -> int | None:
        """Command the arm, if the tick ended so, and tell the timing of the tick; returns when it was commanded."""
        tick, sent_ns = outcome.tick, None
        if tick.action is not None:
            msg = msg_from_action(tick.action, self._node.get_fully_qualified_name())
            if outcome.send and self._actions is not None:
                sent_ns = self._node.now_ns()
                self._actions.publish(msg)
            self._planned.publish(msg)
        if math.isfinite(tick.estimate):
            self._estimates.publish(Float64(data=tick.estimate))
        self._timings.publish(Float64MultiArray(data=[tick.lateness_ms, tick.age_ms, tick.inference_ms]))
        return sent_ns

    def tell_progress(self, facts: Mapping[str, Any]) -> None:
        """One tick's progress."""
        self._progress.publish(String(data=json.dumps(facts)))

    def tell_status(self, facts: Mapping[str, Any]) -> None:
        """The status, latched."""
        self._statuses.publish(String(data=json.dumps(facts)))

    def show_view(self, frames: Mapping[str, Frame]) -> None:
        """The camera's live image as the network sees it, when somebody looks."""
        if self._view.get_subscription_count():
            frame = frames[self._camera]
            self._view.publish(msg_from_image(self._views.spec.apply(frame.image), frame.stamp_ns, self._frame_id))

    def show_goal(self, goal: CheckedGoal, seen: NDArray[np.uint8]) -> int:
        """The present goal, as the network sees it and at the camera's size; returns the stamp that names it."""
        # A simulated clock may stand still between two goals.
        self._shown_ns = now_ns = max(self._node.now_ns(), self._shown_ns + 1)
        for publisher, picture in ((self._native, goal.goal.image), (self._goals, seen)):
            publisher.publish(msg_from_image(self._views.seen_by(picture, self._camera), now_ns, self._frame_id))
        for camera, publisher in self._others.items():
            picture = self._views.seen_by(goal.goal.image, camera)
            publisher.publish(msg_from_image(picture, now_ns, f"{camera}_optical_frame"))
        return now_ns

    def show_plan(self, plan: Plan, now_ns: int) -> None:
        """The waypoints of a plan and its goal side by side, as the network sees them."""
        shown = [self._views.seen_by(image, self._camera) for image in plan.images]
        strip = np.ascontiguousarray(np.hstack(shown), dtype=np.uint8)
        self._waypoints.publish(msg_from_image(strip, now_ns, self._frame_id))

    def show_stages(self, goals: Sequence[CheckedGoal], now_ns: int) -> None:
        """Thumbnails of all stages side by side."""
        width, height = self._views.spec.native
        size = (THUMBNAIL_PX, max(1, round(THUMBNAIL_PX * height / width)))
        shown = [self._views.seen_by(goal.goal.image, self._camera) for goal in goals]
        small = [cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in shown]
        strip = np.ascontiguousarray(np.hstack(small), dtype=np.uint8)
        self._strip.publish(msg_from_image(strip, now_ns, self._frame_id))
