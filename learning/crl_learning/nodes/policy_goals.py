"""Goals that reach the policy node while it runs: topics for images, one for the stage, a service that captures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Int32

from crl_learning.goals.topics import COMPRESSED, GOAL_TOPIC
from crl_learning.nodes.goal_reader import GoalReader
from crl_learning.nodes.goal_sets import GoalSets
from crl_learning.views import Views
from crl_robot.contracts import Observation
from crl_robot.errors import CrlError, GoalImageError
from crl_robot.goal_image import GoalImage, goal_from_array, goal_from_bytes
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.images import frame_from_any_image

COMPRESSED_TOPIC = GOAL_TOPIC + COMPRESSED
STAGE_TOPIC = "goal/stage"


class GoalTopics:
    """Hears goals, and hands on what can be one; what cannot leaves the goal before it in force.

    Args:
        views: cameras that goals are seen by; several have a topic each, and what comes on goal/image is refused.
        take: given a goal; raises CrlError when it is refused.
        go_to: given a stage; raises CrlError likewise.
        refused: told why something was refused.
    """

    def __init__(
        self,
        node: CrlNode,
        views: Views,
        take: Callable[[GoalImage], None],
        go_to: Callable[[int], object],
        refused: Callable[[str], None],
    ) -> None:
        self._node, self._native = node, views.spec.native
        self._go_to, self._refused = go_to, refused
        self.reader = GoalReader(node, take, lambda error: refused(str(error)))
        self._sets = GoalSets(node, views, self.reader.read, refused) if views.more else None
        node.create_subscription(Image, GOAL_TOPIC, self._on_image, 1)
        node.create_subscription(CompressedImage, COMPRESSED_TOPIC, self._on_compressed, 1)
        node.create_subscription(Int32, STAGE_TOPIC, self._on_stage, 1)

    def forget(self) -> None:
        """Take none of those that are being read or are not whole: there is a later goal."""
        self.reader.forget()
        if self._sets is not None:
            self._sets.forget()

    def _on_image(self, msg: Image) -> None:
        if self._sets is not None:
            self._sets.refuse_single(GOAL_TOPIC)
            return
        if not (msg.header.stamp.sec or msg.header.stamp.nanosec):  # of a goal the moment does not matter
            msg.header.stamp = self._node.get_clock().now().to_msg()
        now_ns = self._node.now_ns()
        self.reader.read(lambda: goal_from_array(frame_from_any_image(msg, now_ns).image, self._native, GOAL_TOPIC))

    def _on_compressed(self, msg: CompressedImage) -> None:
        """Read as a file is, whose header says how large it is before anything is decoded."""
        if self._sets is not None:
            self._sets.refuse_single(COMPRESSED_TOPIC)
            return
        self.reader.read(lambda: goal_from_bytes(bytes(msg.data), self._native, COMPRESSED_TOPIC))

    def _on_stage(self, msg: Int32) -> None:
        """A stage that is not there leaves the present one in force."""
        try:
            self._go_to(msg.data)
        except CrlError as error:
            self._refused(str(error))


def captured_goal(observation: Observation | None, why_not: str, views: Views, folder: str) -> GoalImage:
    """The present view as a goal, saved in ``folder``, a file for each camera, where one is given.

    Raises:
        GoalImageError: there is no present view, or it cannot be saved.
    """
    if observation is None:
        raise GoalImageError(f"no goal was captured: {why_not or 'there is no image'}; start camera and arm first")
    frames = [observation.frames[camera] for camera in views.cameras]
    source = f"captured {'+'.join(views.cameras)} {frames[0].stamp_ns}"
    if folder:
        stem = Path(folder).expanduser().absolute() / str(frames[0].stamp_ns)
        files = [stem.with_name(f"{stem.name}-{camera}.png") for camera in views.cameras]
        for file, frame in zip(files, frames, strict=True):
            _save(file, frame.image)
        source = "+".join(str(file) for file in files)
    return GoalImage(views.stack(observation.frames).copy(), (), source)


def _save(file: Path, image: NDArray[np.uint8]) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        written = cv2.imwrite(str(file), image[..., ::-1])
    except (OSError, cv2.error) as error:
        raise GoalImageError(f"goal image {file} cannot be saved: {error}; choose another goals_folder") from error
    if not written:
        raise GoalImageError(f"goal image {file} cannot be saved; choose another goals_folder")
