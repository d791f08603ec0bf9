"""The topics that the recorder listens to, and what is counted on the way from them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sensor_msgs.msg import CameraInfo, JointState

from crl_data.recording.intake import Intake
from crl_data.recording.matching import REMEMBERED_S
from crl_data.recording.recorder_settings import RecorderSettings
from crl_data.schema import StoreSpec
from crl_robot.contracts import Action, ArmState, Frame, Observation
from crl_robot.errors import ContractError
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.messages import COMMANDED_QOS, IMAGE_QOS, STATE_QOS, action_from_msg
from crl_robot.nodes.observation_topics import MessageInfo, ObservationTopics, numbering
from crl_robot.sequence import SequenceTracker

COMMANDED_TOPIC = "arm/commanded"


class RecorderTopics:
    """Feeds an `Intake`, which may come later than the first messages, and answers it as its `Inputs`."""

    def __init__(self, node: CrlNode, spec: StoreSpec, settings: RecorderSettings) -> None:
        self._node, self._spec = node, spec
        self._needs_actions = settings.steps_from == "commanded"
        self._intake: Intake | None = None
        self._calibration: dict[str, Any] = {}
        self._commanded = SequenceTracker(first=1)
        self._refused = 0
        # Before the observations: the executor serves in this order, and a request precedes what the arm makes of it.
        requests = node.create_subscription(JointState, "arm/action", self._on_requested, STATE_QOS)
        self._observations = ObservationTopics(
            node,
            {name: camera.native for name, camera in spec.cameras.items()},
            spec.action,
            settings.max_age_s,
            settings.align_tolerance_s,
            REMEMBERED_S,
            self._on_frame,
            self._on_state,
        )
        self._actions = node.create_subscription(JointState, COMMANDED_TOPIC, self._on_commanded, COMMANDED_QOS)
        infos = [
            node.create_subscription(CameraInfo, f"{name}/camera_info", partial(self._on_info, name), IMAGE_QOS)
            for name in spec.cameras
        ]
        self._own = [requests, self._actions, *infos]

    def feed(self, intake: Intake) -> None:
        """Give it what arrives from now on."""
        self._intake = intake

    def close(self) -> None:
        """End the subscriptions."""
        self._observations.close()
        for subscription in self._own:
            self._node.destroy_subscription(subscription)
        self._own = []

    def observe(self, now_ns: int) -> Observation | None:
        """The newest complete, fresh and aligned observation."""
        return self._observations.observe(now_ns)

    def at(self, stamp_ns: int, tolerance_ns: int = 0) -> Observation | None:
        """The observation of the frame that is stamped so, or nearest to it within the tolerance."""
        return self._observations.at(stamp_ns, tolerance_ns)

    def frame_stamps(self, since_ns: int) -> list[int]:
        """Stamps of the frames of all cameras from an instant on, in order, as far as they are kept."""
        return self._observations.frame_stamps(since_ns)

    def settled_ns(self) -> int:
        """Up to here every stream has arrived."""
        return self._observations.settled_ns()

    def why_not(self, now_ns: int) -> str:
        """What keeps it from recording; empty when nothing does."""
        return self._observations.why_not(now_ns) or self._why_no_actions()

    def lost(self) -> dict[str, int]:
        """Messages lost on the way here: frames by camera, 'arm' states, 'actions' (also what was not an action)."""
        counts = self._observations.counts()
        actions = {"actions": self._commanded.lost + self._refused} if self._needs_actions else {}
        return counts["frames_lost"] | {"arm": counts["arm_states"]["lost"]} | actions

    def calibration(self) -> dict[str, Any]:
        """What the cameras' drivers have told, by camera."""
        return dict(self._calibration)

    def _why_no_actions(self) -> str:
        """An action sent before its publisher is known here would be neither recorded nor counted."""
        if not self._needs_actions or self._actions.get_publisher_count():
            return ""
        if self._node.count_publishers(COMMANDED_TOPIC):
            return (
                f"the publisher of {COMMANDED_TOPIC} does not keep its last messages for late listeners, so that lost "
                "ones could not be counted; give it the durability TRANSIENT_LOCAL"
            )
        return f"nobody publishes {COMMANDED_TOPIC}; start the arm, or set steps_from to clock when it is moved by hand"

    def _on_frame(self, camera: str, frame: Frame) -> None:
        if self._intake is not None:
            self._intake.add_frame(camera, frame)

    def _on_state(self, state: ArmState) -> None:
        if self._intake is not None:
            self._intake.add_state(state)

    def _on_requested(self, msg: JointState) -> None:
        self._take(msg, lambda intake, action: intake.add_requested(action))

    def _on_commanded(self, msg: JointState, info: MessageInfo) -> None:
        self._commanded.update(*numbering(info))
        if not self._take(msg, lambda intake, action: intake.add_commanded(action)):
            self._refused += 1

    def _take(self, msg: JointState, give: Callable[[Intake, Action], None]) -> bool:
        try:
            action = action_from_msg(msg)
        except ContractError as error:
            self._node.get_logger().warning(f"action not recorded: {error}", throttle_duration_sec=1.0)
            return False
        if self._intake is not None:
            give(self._intake, action)
        return True

    def _on_info(self, camera: str, msg: CameraInfo) -> None:
        calibration = calibration_from_msg(msg)
        if calibration is None:
            self._calibration.pop(camera, None)
        else:
            self._calibration[camera] = calibration


def calibration_from_msg(msg: CameraInfo) -> dict[str, Any] | None:
    """A camera's calibration as plain values, None when it says that it has none (focal length 0) or is not finite."""
    matrices = {name: np.asarray(getattr(msg, name), np.float64).tolist() for name in ("d", "k", "r", "p")}
    if matrices["k"][0] == 0.0 or not all(np.isfinite(values).all() for values in matrices.values()):
        return None
    return {
        "width": msg.width,
        "height": msg.height,
        "distortion_model": msg.distortion_model,
        "frame_id": msg.header.frame_id,
        **matrices,
    }
