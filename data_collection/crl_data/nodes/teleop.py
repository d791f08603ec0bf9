"""The teleoperation node: joystick messages or scripted reaching in, Actions for the arm out, at the control rate.

Wiring around `crl_data.teleop.loop.TeleopLoop`. The node never tells the arm to stop: it falls silent, and the arm
holds by itself within two control periods, also when this process is killed.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import CameraInfo, JointState, Joy
from std_msgs.msg import String

from crl_data.nodes.joy_topics import JOY_QOS, JOY_TOPIC, other_publishers
from crl_data.nodes.teleop_settings import TeleopParameters
from crl_data.teleop.loop import TeleopLoop
from crl_robot.contracts import ActionSpec
from crl_robot.errors import CrlError, MismatchError
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.messages import (
    ACTION_QOS,
    IMAGE_QOS,
    LATCHED_QOS,
    STATE_QOS,
    action_from_msg,
    joints_from_msg,
    msg_from_action,
    ns_from_time,
    pose_from_msg,
)
from crl_robot.nodes.worker import NEWEST_TICKS, Worker

ACTION_TOPIC = "arm/action"
STATUS_PERIOD_S = 0.2


class TeleopNode(CrlNode):
    """Publishes an Action per control tick while the dead-man is held, and why not on /teleop/status."""

    def __init__(self) -> None:
        super().__init__("teleop")
        self._given = TeleopParameters(self)
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._loop: TeleopLoop | None = None
        self._said = ""
        self._tick_s = self._said_s = 0.0

    def open_all(self) -> None:
        """Make the topics; nothing is published before activation."""
        self._loop = self._given.make_loop()
        self._actions = self.create_publisher(JointState, ACTION_TOPIC, ACTION_QOS)
        self._statuses = self.create_publisher(String, "teleop/status", LATCHED_QOS)
        self.create_subscription(Joy, JOY_TOPIC, self._on_joy, JOY_QOS)
        for camera in self._given.loop.cameras:
            self.create_subscription(CameraInfo, f"{camera}/camera_info", partial(self._on_frame, camera), IMAGE_QOS)
        self.create_subscription(String, "arm/status", self._on_arm, LATCHED_QOS)
        self.create_subscription(PoseStamped, "arm/pose", self._on_tool, STATE_QOS)
        self.create_subscription(JointState, "joint_states", self._on_joints, STATE_QOS)
        self.create_subscription(JointState, "arm/commanded", self._on_commanded, STATE_QOS)
        self.create_subscription(String, "session/status", self._on_session, LATCHED_QOS)
        self.create_timer(STATUS_PERIOD_S, self._publish_status)

    def start(self) -> None:
        """Begin the control ticks."""
        self._tick_s = time.monotonic()
        self._worker = Worker("control", self._given.spec.period_s, self._tick, self._fail)
        self._worker.start()

    def pause(self) -> None:
        """Fall silent; the arm holds by itself."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop(timeout_s=1.0)

    def close_all(self) -> None:
        """Forget the loop."""
        self._loop = None

    def diagnose(self) -> tuple[bool, str, Mapping[str, Any]]:
        """Whether it acts, or why not; lateness of the control ticks."""
        status = self._status()
        return True, f"{status['state']} {status['reason']}".strip(), status

    def _tick(self) -> None:
        """One control tick, on the control thread."""
        others = other_publishers(self, ACTION_TOPIC)
        with self._lock:
            if self._worker is None or self._loop is None:
                return
            now_s = time.monotonic()
            dt_s, self._tick_s = max(now_s - self._tick_s, 1e-3), now_s
            action = self._loop.tick(dt_s, now_s, self.now_ns(), others)
            if action is not None:
                self._actions.publish(msg_from_action(action, self.get_fully_qualified_name()))

    def _on_joy(self, msg: Joy) -> None:
        self._tell(JOY_TOPIC, lambda loop: loop.on_joy(msg.axes, msg.buttons, time.monotonic()))

    def _on_frame(self, camera: str, msg: CameraInfo) -> None:
        self._tell(camera, lambda loop: loop.on_frame(camera, ns_from_time(msg.header.stamp)))

    def _on_tool(self, msg: PoseStamped) -> None:
        self._tell("/arm/pose", lambda loop: loop.on_tool(pose_from_msg(msg)))

    def _on_joints(self, msg: JointState) -> None:
        self._tell("/joint_states", lambda loop: loop.on_opening(joints_from_msg(msg).gripper))

    def _on_commanded(self, msg: JointState) -> None:
        self._tell("/arm/commanded", lambda loop: loop.on_commanded(float(action_from_msg(msg).values[6])))

    def _on_session(self, msg: String) -> None:
        self._tell(
            "/session/status", lambda loop: loop.on_session(str(json.loads(msg.data)["state"]), time.monotonic())
        )

    def _on_arm(self, msg: String) -> None:
        self._tell("/arm/status", lambda loop: self._hear_arm(loop, json.loads(msg.data)))

    def _hear_arm(self, loop: TeleopLoop, status: dict[str, Any]) -> None:
        spec = ActionSpec.from_dict(status["action_spec"])
        loop.on_arm(str(status["mode"]), str(status["reason"]), time.monotonic())
        try:
            self._given.spec.require_equal(spec, self.get_name(), "the arm")
        except MismatchError as error:
            self.failure = error

    def _tell(self, source: str, tell: Callable[[TeleopLoop], None]) -> None:
        """Tell the loop what a message says; one that is broken is logged and left out."""
        try:
            with self._lock:
                if self._loop is not None:
                    tell(self._loop)
        except (ValueError, KeyError, TypeError) as error:  # ContractError is a ValueError
            self.get_logger().warning(f"{source}: {error}", throttle_duration_sec=2.0)

    def _status(self) -> dict[str, Any]:
        with self._lock:
            loop, worker = self._loop, self._worker
            if loop is None or worker is None:
                return {"state": "inactive", "reason": "not active"}
            return {
                "state": "silent" if loop.reason else "acting",
                "reason": loop.reason,
                "arm": loop.arm,
                "scale": round(loop.scale, 3),
                "counters": dict(loop.counters),
                "lateness_ms": worker.stats.summary(NEWEST_TICKS),
                "missed": worker.stats.missed,
            }

    def _publish_status(self) -> None:
        """At every change of what it does, and once a second in between."""
        status = self._status()
        said = f"{status['state']} {status['reason']}"
        if said != self._said or time.monotonic() - self._said_s >= 1.0:
            self._said, self._said_s = said, time.monotonic()
            self._statuses.publish(String(data=json.dumps(status)))

    def _fail(self, error: CrlError) -> None:
        self.failure = error
