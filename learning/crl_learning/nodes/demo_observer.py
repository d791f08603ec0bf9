"""The demo's own ROS node: starts and stops the policy, and records what everybody publishes into a DemoSeries."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64, Float64MultiArray, String
from std_srvs.srv import SetBool, Trigger

from crl_learning.demo_series import TIMING_NAMES, TRUTH_NAMES, DemoSeries
from crl_robot.nodes.graph_client import GraphClient
from crl_robot.nodes.messages import IMAGE_QOS, LATCHED_QOS, STATE_QOS, frame_from_msg, ns_from_time

READY_S = 90.0
JPEG = (cv2.IMWRITE_JPEG_QUALITY, 95)


class DemoObserver(GraphClient):
    """A context manager around one node of the graph; records from `start` to `stop`, and on while it waits.

    Args:
        series: gets what is heard.
        camera: whose images are kept.
        env: what this process must add to its environment to join the graph; undone at the end.
        check: raises when a process of the graph has ended.
    """

    def __init__(self, series: DemoSeries, camera: str, env: Mapping[str, str], check: Callable[[], None]) -> None:
        super().__init__("demo", env, check)
        self._series = series
        self._camera = camera
        self._start_ns: int | None = None
        self._seen: set[str] = set()
        self._status: dict[str, Any] = {}
        subscribe = self.node.create_subscription
        subscribe(Image, f"{camera}/image_raw", self._on_image, IMAGE_QOS)
        subscribe(Float64, "policy/estimate", self._on_estimate, STATE_QOS)
        subscribe(Float64MultiArray, "policy/timing", self._on_timing, STATE_QOS)
        subscribe(JointState, "sim/ground_truth", self._on_truth, STATE_QOS)
        subscribe(JointState, "arm/commanded", self._on_commanded, STATE_QOS)
        subscribe(String, "policy/status", self._on_status, LATCHED_QOS)
        self._enable = self.node.create_client(SetBool, "arm/enable")
        self._begin = self.node.create_client(Trigger, "policy/start")
        self._end = self.node.create_client(Trigger, "policy/stop")

    def wait_until_ready(self, timeout_s: float = READY_S) -> None:
        """Until the run can start. Raises GraphError, which names what is missing, when the time is over."""
        self.wait(lambda: not self.waiting_for(), timeout_s, self.waiting_for)

    def waiting_for(self) -> str:
        """What has not been heard from yet, in words; empty when everybody is there."""
        missing = [name for name in ("camera image", "ground truth") if name not in self._seen]
        if self._status.get("state") != "ready" or self._status.get("reason"):
            missing.append(f"policy ({self._status.get('reason') or 'no status'})")
        missing += [client.srv_name for client in (self._enable, self._begin) if not client.service_is_ready()]
        return ", ".join(missing)

    def start(self) -> None:
        """Enable the arm, start the policy, begin to record. Raises GraphError when one of them refuses."""
        self.succeed(self._enable, SetBool.Request(data=True))
        self._start_ns = self.now_ns()
        self.succeed(self._begin)

    def stop(self) -> None:
        """Stop the policy; the arm holds. Raises GraphError when it refuses."""
        self._series.seconds = self.seconds()
        self.succeed(self._end)

    def seconds(self) -> float:
        """Time since the start; 0 before it."""
        return (self.now_ns() - self._start_ns) / 1e9 if self._start_ns is not None else 0.0

    def _on_image(self, msg: Image) -> None:
        self._seen.add("camera image")
        if self._start_ns is None:
            return
        frame = frame_from_msg(msg, self.now_ns())
        coded = cv2.imencode(".jpg", frame.image[..., ::-1], JPEG)[1].tobytes()
        self._series.frames.append((self._since_start(frame.stamp_ns), coded))

    def _on_estimate(self, msg: Float64) -> None:
        if self._start_ns is not None:
            self._series.estimate.append((self.seconds(), msg.data))

    def _on_timing(self, msg: Float64MultiArray) -> None:
        if self._start_ns is not None:
            self._series.timing.append((self.seconds(), tuple(msg.data)[: len(TIMING_NAMES)]))

    def _on_truth(self, msg: JointState) -> None:
        self._seen.add("ground truth")
        if self._start_ns is None:
            return
        values = dict(zip(msg.name, msg.position, strict=True))
        stamp_ns = ns_from_time(msg.header.stamp)
        self._series.truth.append((self._since_start(stamp_ns), tuple(values[name] for name in TRUTH_NAMES)))

    def _on_commanded(self, msg: JointState) -> None:
        if self._start_ns is not None:
            self._series.commanded.append((self.seconds(), tuple(np.asarray(msg.position).tolist())))

    def _on_status(self, msg: String) -> None:
        self._status = json.loads(msg.data)
        self._series.dropped_frames = self._status["frames_lost"][self._camera]

    def _since_start(self, stamp_ns: int) -> float:
        return (stamp_ns - (self._start_ns or stamp_ns)) / 1e9
