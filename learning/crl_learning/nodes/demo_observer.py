"""The demo's own ROS node: starts and stops the policy, and records what everybody publishes into a DemoSeries."""

from __future__ import annotations

import json
import time
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
import rclpy
from rclpy.client import Client
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64, Float64MultiArray, String
from std_srvs.srv import SetBool, Trigger

from crl_learning.demo_series import TIMING_NAMES, TRUTH_NAMES, DemoSeries
from crl_robot.graph import GraphError
from crl_robot.nodes.messages import IMAGE_QOS, LATCHED_QOS, STATE_QOS, frame_from_msg, ns_from_time

CALL_TIMEOUT_S = 10.0
JPEG = (cv2.IMWRITE_JPEG_QUALITY, 95)


class DemoObserver:
    """Records from `start` to `close`; everything happens inside `spin`, on the caller's thread."""

    def __init__(self, series: DemoSeries, camera: str) -> None:
        self._series = series
        self._camera = camera
        self._start_ns: int | None = None
        self._seen: set[str] = set()
        self._status: dict[str, Any] = {}
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node("demo")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        subscribe = self._node.create_subscription
        self._subscriptions = (
            subscribe(Image, f"{camera}/image_raw", self._on_image, IMAGE_QOS),
            subscribe(Float64, "policy/estimate", self._on_estimate, STATE_QOS),
            subscribe(Float64MultiArray, "policy/timing", self._on_timing, STATE_QOS),
            subscribe(JointState, "sim/ground_truth", self._on_truth, STATE_QOS),
            subscribe(JointState, "arm/commanded", self._on_commanded, STATE_QOS),
            subscribe(String, "policy/status", self._on_status, LATCHED_QOS),
        )
        self._enable = self._node.create_client(SetBool, "arm/enable")
        self._begin = self._node.create_client(Trigger, "policy/start")
        self._end = self._node.create_client(Trigger, "policy/stop")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.try_shutdown()

    def waiting_for(self) -> str:
        """What has not been heard from yet, in words; empty when everybody is there."""
        missing = [name for name in ("camera image", "ground truth") if name not in self._seen]
        if self._status.get("state") != "ready" or self._status.get("reason"):
            missing.append(f"policy ({self._status.get('reason') or 'no status'})")
        missing += [client.srv_name for client in (self._enable, self._begin) if not client.service_is_ready()]
        return ", ".join(missing)

    def ready(self) -> bool:
        """Whether the run can start."""
        return not self.waiting_for()

    def spin(self, timeout_s: float) -> None:
        """Take in what arrives within that time, at most one message of each kind at once."""
        self._executor.spin_once(timeout_sec=timeout_s)

    def spin_for(self, seconds: float) -> None:
        """Take in everything for that long."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.spin(left)

    def start(self) -> None:
        """Enable the arm, start the policy, begin to record. Raises GraphError when one of them refuses."""
        self._call(self._enable, SetBool.Request(data=True))
        self._start_ns = self._now_ns()
        self._call(self._begin, Trigger.Request())

    def stop(self) -> None:
        """Stop the policy; the arm holds. Raises GraphError when it refuses."""
        self._series.seconds = self.seconds()
        self._call(self._end, Trigger.Request())

    def seconds(self) -> float:
        """Time since the start; 0 before it."""
        return (self._now_ns() - self._start_ns) / 1e9 if self._start_ns is not None else 0.0

    def _call(self, client: Client, request: Any) -> None:
        future = client.call_async(request)
        self._executor.spin_until_future_complete(future, CALL_TIMEOUT_S)
        answer = future.result()
        if answer is None:
            raise GraphError(f"{client.srv_name} did not answer within {CALL_TIMEOUT_S:.0f} s, expected success")
        if not answer.success:
            raise GraphError(f"{client.srv_name} refused: {answer.message}, expected success")

    def _on_image(self, msg: Image) -> None:
        self._seen.add("camera image")
        if self._start_ns is None:
            return
        frame = frame_from_msg(msg, self._now_ns())
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

    def _now_ns(self) -> int:
        return self._node.get_clock().now().nanoseconds
