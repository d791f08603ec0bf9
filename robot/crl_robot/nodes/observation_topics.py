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

from crl_robot.contracts import ActionSpec, ArmState, Frame, Observation
from crl_robot.errors import ContractError, MismatchError
from crl_robot.joining import StampJoiner
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
from crl_robot.sequence import SequenceTracker
from crl_robot.streams import ALIGN_TOLERANCE_S, ObservationBuffer

MessageInfo = Mapping[str, Any]


class ObservationTopics:
    """Keeps the newest of everything; `observe` may be called from another thread than the executor's.

    A camera of another size, or an arm with other action semantics, sets ``node.failure``, which ends the process.

    Args:
        sizes: native (width, height) of each camera.
        spec: what Actions mean to the caller; nothing is observed before the arm has declared the same.
        tolerance_s: age above which an image or the arm state is too old to act on.
        align_s: largest difference of any stamp in an observation to that of its newest frame.
        keep_s: how far `at` can look back.
        on_frame: called on the executor's thread with camera and frame after each image was taken in.
        on_state: called on the executor's thread with each arm state.
        require: raises MismatchError for the action semantics and the robot's name that the arm has declared.
    """

    def __init__(
        self,
        node: CrlNode,
        sizes: Mapping[str, tuple[int, int]],
        spec: ActionSpec,
        tolerance_s: float,
        align_s: float = ALIGN_TOLERANCE_S,
        keep_s: float = 0.0,
        on_frame: Callable[[str, Frame], None] | None = None,
        on_state: Callable[[ArmState], None] | None = None,
        require: Callable[[ActionSpec, str], None] | None = None,
    ) -> None:
        self._node = node
        self._sizes = dict(sizes)
        self._spec = spec
        self._on_frame, self._on_state, self._require = on_frame, on_state, require
        self._buffer = ObservationBuffer(tuple(sizes), tolerance_s, align_s, keep_s)
        self._ticks = StampJoiner(("joints", "pose", "target"))
        self._joints = SequenceTracker()
        self._lock = threading.Lock()
        self._arm_agrees = False
        self._mode, self._reason = "", ""
        self.refused = 0
        """Messages that broke a contract."""
        self._subscriptions = [
            node.create_subscription(Image, f"{name}/image_raw", partial(self._on_image, name), IMAGE_QOS)
            for name in sizes
        ] + [
            node.create_subscription(String, "arm/status", self._on_status, LATCHED_QOS),
            node.create_subscription(JointState, "joint_states", self._on_joints, STATE_QOS),
            node.create_subscription(PoseStamped, "arm/pose", partial(self._on_pose, "pose"), STATE_QOS),
            node.create_subscription(PoseStamped, "arm/target_pose", partial(self._on_pose, "target"), STATE_QOS),
        ]

    def observe(self, now_ns: int) -> Observation | None:
        """The newest complete and fresh observation, or None; `why_not` says why."""
        with self._lock:
            return self._buffer.observe(now_ns) if self._arm_agrees else None

    def at(self, stamp_ns: int, tolerance_ns: int = 0) -> Observation | None:
        """The observation of the frame that is stamped so, or nearest to it within the tolerance."""
        with self._lock:
            return self._buffer.at(stamp_ns, tolerance_ns) if self._arm_agrees else None

    def frame_stamps(self, since_ns: int) -> list[int]:
        """Stamps of the frames of all cameras from an instant on, in order, as far as they are kept."""
        with self._lock:
            return self._buffer.frame_stamps(since_ns)

    def settled_ns(self) -> int:
        """Up to here every stream has arrived."""
        with self._lock:
            return self._buffer.settled_ns()

    def why_not(self, now_ns: int) -> str:
        """What keeps an observation from being complete and fresh; empty when nothing does."""
        with self._lock:
            return self._buffer.why_not(now_ns) if self._arm_agrees else "the arm has not declared its action semantics"

    def ages_ms(self, now_ns: int) -> dict[str, float | None]:
        """How long ago the newest frame of each camera was stamped; None before the first."""
        with self._lock:
            return self._buffer.ages_ms(now_ns)

    def arm_status(self) -> tuple[str, str]:
        """Mode of the arm and why it is in it, as it said last; empty before it did."""
        return self._mode, self._reason

    def counts(self) -> dict[str, dict[str, int]]:
        """Frames received and lost per camera, arm states received and lost, ticks refused as not aligned."""
        with self._lock:
            sent = self._joints.received + self._joints.lost - self._ticks.waiting
            return {
                "frames_received": self._buffer.received,
                "frames_lost": self._buffer.lost,
                "arm_states": {"received": self._ticks.completed, "lost": max(0, sent - self._ticks.completed)},
                "unaligned": {"observations": self._buffer.unaligned},
            }

    def close(self) -> None:
        """End the subscriptions."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions = []

    def _on_image(self, camera: str, msg: Image, info: MessageInfo) -> None:
        try:
            frame = frame_from_msg(msg, self._node.now_ns())
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
            self._buffer.add_frame(camera, frame, *numbering(info))
        if self._on_frame is not None:
            self._on_frame(camera, frame)

    def _on_status(self, msg: String) -> None:
        try:
            status = json.loads(msg.data)
            spec, robot = ActionSpec.from_dict(status["action_spec"]), str(status.get("robot", ""))
            self._mode, self._reason = status["mode"], status["reason"]
        except (ValueError, KeyError, TypeError) as error:
            self._refuse("/arm/status", error)
            return
        try:
            self._spec.require_equal(spec, self._node.get_name(), "the arm")
            if self._require is not None:
                self._require(spec, robot)
            self._arm_agrees = True
        except MismatchError as error:
            self._arm_agrees = False
            self._node.failure = error

    def _on_joints(self, msg: JointState, info: MessageInfo) -> None:
        try:
            joints = joints_from_msg(msg, self._node.now_ns())
        except ContractError as error:
            with self._lock:
                self._joints.update(*numbering(info))
            self._refuse("/joint_states", error)
            return
        with self._lock:  # counted and joined in one step, or `counts` would take it for lost in between
            self._joints.update(*numbering(info))
            whole = self._ticks.add("joints", joints.stamp_ns, joints)
        self._take_whole(whole)

    def _on_pose(self, part: str, msg: PoseStamped) -> None:
        try:
            self._join(part, ns_from_time(msg.header.stamp), pose_from_msg(msg))
        except ContractError as error:
            self._refuse(f"{part} of the arm", error)

    def _join(self, part: str, stamp_ns: int, value: Any) -> None:
        """Joints, pose and target of one inner tick have one stamp; together they are an arm state."""
        with self._lock:
            whole = self._ticks.add(part, stamp_ns, value)
        self._take_whole(whole)

    def _take_whole(self, whole: tuple[Any, ...] | None) -> None:
        if whole is None:
            return
        joints, measured, target = whole
        state = ArmState(joints, measured, target, joints.gripper, self._mode, self._reason)
        with self._lock:
            self._buffer.add_arm(state)
        if self._on_state is not None:
            self._on_state(state)

    def _refuse(self, source: str, error: Exception) -> None:
        self.refused += 1
        self._node.get_logger().warning(f"{source}: {error}", throttle_duration_sec=1.0)


def numbering(info: MessageInfo) -> tuple[int | None, Any]:
    """Sequence number and publisher of a message; Jazzy's rclpy does not name the publisher, later ones do."""
    return info.get("publication_sequence_number"), info.get("publisher_gid", {}).get("data")
