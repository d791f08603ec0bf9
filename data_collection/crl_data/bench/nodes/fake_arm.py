"""An arm that is only messages: states at a rate, and a command for every frame of a camera, each of them noted."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import CameraInfo, JointState
from std_msgs.msg import String

from crl_robot.contracts import Action, JointReading, Pose
from crl_robot.errors import CrlError
from crl_robot.kinematics import HOME_Q, JOINT_NAMES
from crl_robot.nodes.arm_settings import action_spec_setting
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.messages import (
    ACTION_QOS,
    COMMANDED_QOS,
    IMAGE_PUBLISHER_QOS,
    LATCHED_QOS,
    STATE_QOS,
    msg_from_action,
    msg_from_joints,
    msg_from_pose,
    ns_from_time,
)
from crl_robot.nodes.worker import Worker

_DOWN = np.array([0.0, 1.0, 0.0, 0.0])


class FakeArmNode(CrlNode):
    """Publishes what `ArmTopics` does, without an arm; actions name the frame whose /camera_info they answer."""

    def __init__(self) -> None:
        super().__init__("fake_arm")
        self._rate_hz = self.setting("rate_hz", 100.0, "states a second", 1.0, 1000.0)
        self._camera = self.setting("camera", "", "camera each of whose frames gets an action; empty: no actions")
        self._log = self.setting("log", "", "CSV file that gets stream and stamp of each message at the end")
        self._spec = action_spec_setting(self)
        self._published: list[tuple[str, int]] = []
        self._worker: Worker | None = None

    def open_all(self) -> None:
        """Make the topics."""
        self._joints = self.create_publisher(JointState, "joint_states", STATE_QOS)
        self._pose = self.create_publisher(PoseStamped, "arm/pose", STATE_QOS)
        self._target = self.create_publisher(PoseStamped, "arm/target_pose", STATE_QOS)
        self._requested = self.create_publisher(JointState, "arm/action", ACTION_QOS)
        self._commanded = self.create_publisher(JointState, "arm/commanded", COMMANDED_QOS)
        self._status = self.create_publisher(String, "arm/status", LATCHED_QOS)
        if self._camera:
            self.create_subscription(CameraInfo, f"{self._camera}/camera_info", self._on_frame, IMAGE_PUBLISHER_QOS)
        told: dict[str, Any] = {"mode": "moving", "reason": "", "action_spec": self._spec.to_dict()}
        self._status.publish(String(data=json.dumps(told)))

    def start(self) -> None:
        """Begin to publish states."""
        self._worker = Worker("states", 1.0 / self._rate_hz, self._publish_state, self._fail)
        self._worker.start()

    def pause(self) -> None:
        """Stop publishing states."""
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    def close_all(self) -> None:
        """Write the log."""
        if self._log:
            with Path(self._log).open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([("stream", "stamp_ns"), *self._published])

    def _publish_state(self) -> None:
        stamp_ns = self.now_ns()
        phase = stamp_ns / 1e9
        reading = JointReading(HOME_Q + 0.1 * math.sin(phase), np.full(len(HOME_Q), 0.1), 0.5, stamp_ns)
        pose = Pose(np.array([0.25, 0.1 * math.sin(phase), 0.15]), _DOWN)
        self._joints.publish(msg_from_joints(reading, JOINT_NAMES))
        self._pose.publish(msg_from_pose(pose, stamp_ns))
        self._target.publish(msg_from_pose(pose, stamp_ns))
        self._published.append(("arm", stamp_ns))

    def _on_frame(self, msg: CameraInfo) -> None:
        stamp_ns = ns_from_time(msg.header.stamp)
        action = msg_from_action(Action(np.array([0, 0.001, 0, 0, 0, 0, 0.5], np.float32), stamp_ns))
        self._requested.publish(action)
        self._commanded.publish(action)
        self._published.append(("actions", stamp_ns))

    def _fail(self, error: CrlError) -> None:
        self.failure = error
