"""The subscriptions that put an Observation together: images of the named cameras and the state of the arm."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import String

from crl_robot.contracts import ActionSpec, ArmState, JointReading, Observation, Pose
from crl_robot.errors import ContractError, MismatchError
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.messages import (
    IMAGE_QOS,
    LATCHED_QOS,
    STATE_QOS,
    frame_from_msg,
    joints_from_msg,
    ns_from_time,
    pose_from_msg,
)
from crl_robot.streams import ObservationBuffer


class ObservationTopics:
    """Keeps the newest of everything; `observe` may be called from another thread than the executor's.

    A camera of another size, or an arm with other action semantics, sets ``node.failure``, which ends the process.

    Args:
        sizes: native (width, height) of each camera.
        spec: what Actions mean to the caller; nothing is observed before the arm has declared the same.
        tolerance_s: age above which an image or the arm state is too old to act on.
        on_frame: called on the executor's thread after each image was taken in.
    """

    def __init__(
        self,
        node: CrlNode,
        sizes: Mapping[str, tuple[int, int]],
        spec: ActionSpec,
        tolerance_s: float,
        on_frame: Callable[[], None] | None = None,
    ) -> None:
        self._node = node
        self._sizes = dict(sizes)
        self._spec = spec
        self._on_frame = on_frame
        self._buffer = ObservationBuffer(tuple(sizes), tolerance_s)
        self._lock = threading.Lock()
        self._arm_agrees = False
        self._mode, self._reason = "", ""
        self._joints: JointReading | None = None
        self._pose: tuple[int, Pose] | None = None
        self.refused = 0
        """Messages that broke a contract."""
        self._subscriptions = [
            node.create_subscription(Image, f"/{name}/image_raw", partial(self._on_image, name), IMAGE_QOS)
            for name in sizes
        ] + [
            node.create_subscription(String, "/arm/status", self._on_status, LATCHED_QOS),
            node.create_subscription(JointState, "/joint_states", self._on_joints, STATE_QOS),
            node.create_subscription(PoseStamped, "/arm/pose", self._on_pose, STATE_QOS),
            node.create_subscription(PoseStamped, "/arm/target_pose", self._on_target, STATE_QOS),
        ]

    def observe(self, now_ns: int) -> Observation | None:
        """The newest complete and fresh observation, or None; `why_not` says why."""
        with self._lock:
            return self._buffer.observe(now_ns) if self._arm_agrees else None

    def why_not(self, now_ns: int) -> str:
        """What keeps an observation from being complete and fresh; empty when nothing does."""
        with self._lock:
            return self._buffer.why_not(now_ns) if self._arm_agrees else "the arm has not declared its action semantics"

    def counts(self) -> dict[str, dict[str, int]]:
        """Frames received and lost per camera."""
        with self._lock:
            return {"frames_received": self._buffer.received, "frames_lost": self._buffer.lost}

    def close(self) -> None:
        """End the subscriptions."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions = []

    def _on_image(self, camera: str, msg: Image, info: Mapping[str, Any]) -> None:
        try:
            frame = frame_from_msg(msg, self._node.get_clock().now().nanoseconds)
        except ContractError as error:
            self._refuse(camera, error)
            return
        size = (msg.width, msg.height)
        if size != self._sizes[camera]:
            self._node.failure = MismatchError(
                f"camera '{camera}' sends {size[0]}x{size[1]} pixels, expected its native size "
                f"{self._sizes[camera][0]}x{self._sizes[camera][1]}; use the camera and checkpoint that belong together"
            )
            return
        with self._lock:
            # Jazzy's rclpy does not name the publisher; later ones do.
            publisher = info.get("publisher_gid", {}).get("data")
            self._buffer.add_frame(camera, frame, info.get("publication_sequence_number"), publisher)
        if self._on_frame is not None:
            self._on_frame()

    def _on_status(self, msg: String) -> None:
        try:
            status = json.loads(msg.data)
            spec = ActionSpec.from_dict(status["action_spec"])
            self._mode, self._reason = status["mode"], status["reason"]
        except (ValueError, KeyError, TypeError) as error:
            self._refuse("/arm/status", error)
            return
        try:
            self._spec.require_equal(spec, self._node.get_name(), "the arm")
            self._arm_agrees = True
        except MismatchError as error:
            self._arm_agrees = False
            self._node.failure = error

    def _on_joints(self, msg: JointState) -> None:
        try:
            self._joints = joints_from_msg(msg)
        except ContractError as error:
            self._refuse("/joint_states", error)

    def _on_pose(self, msg: PoseStamped) -> None:
        try:
            self._pose = ns_from_time(msg.header.stamp), pose_from_msg(msg)
        except ContractError as error:
            self._refuse("/arm/pose", error)

    def _on_target(self, msg: PoseStamped) -> None:
        """The last message of an inner tick; joints, pose and target of one tick have one stamp."""
        stamp_ns = ns_from_time(msg.header.stamp)
        if self._joints is None or self._pose is None or not self._joints.stamp_ns == self._pose[0] == stamp_ns:
            return
        try:
            target = pose_from_msg(msg)
        except ContractError as error:
            self._refuse("/arm/target_pose", error)
            return
        gripper = self._joints.gripper
        state = ArmState(self._joints, self._pose[1], target, gripper, self._mode, self._reason)
        with self._lock:
            self._buffer.add_arm(state)

    def _refuse(self, source: str, error: Exception) -> None:
        self.refused += 1
        self._node.get_logger().warning(f"{source}: {error}", throttle_duration_sec=1.0)
