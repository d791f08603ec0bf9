"""Goals that reach the policy node while it runs: two topics for images, one for the stage, a service that captures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Int32

from crl_robot.contracts import Frame, Observation
from crl_robot.errors import CrlError, GoalImageError
from crl_robot.goal_image import GoalImage, goal_from_array
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.images import frame_from_any_image, frame_from_compressed

GOAL_TOPIC = "goal/image"
COMPRESSED_TOPIC = "goal/image/compressed"
STAGE_TOPIC = "goal/stage"


class GoalTopics:
    """Hears goals, and hands on what can be one.

    Args:
        native: (width, height) of the camera that goals are seen by.
        take: given a goal; raises CrlError when it is refused.
        go_to: given a stage; raises CrlError likewise.
        refused: told why something was refused.
    """

    def __init__(
        self,
        node: CrlNode,
        native: tuple[int, int],
        take: Callable[[GoalImage], None],
        go_to: Callable[[int], object],
        refused: Callable[[str], None],
    ) -> None:
        self._node, self._native = node, native
        self._take, self._go_to, self._refused = take, go_to, refused
        node.create_subscription(Image, GOAL_TOPIC, partial(self._on_image, frame_from_any_image, GOAL_TOPIC), 1)
        node.create_subscription(
            CompressedImage, COMPRESSED_TOPIC, partial(self._on_image, frame_from_compressed, COMPRESSED_TOPIC), 1
        )
        node.create_subscription(Int32, STAGE_TOPIC, self._on_stage, 1)

    def _on_image(self, decode: Callable[[Any, int], Frame], topic: str, msg: Image | CompressedImage) -> None:
        def do() -> None:
            if not (msg.header.stamp.sec or msg.header.stamp.nanosec):  # of a goal the moment does not matter
                msg.header.stamp = self._node.get_clock().now().to_msg()
            frame = decode(msg, self._node.now_ns())
            self._take(goal_from_array(frame.image, self._native, topic))

        self._try(do)

    def _on_stage(self, msg: Int32) -> None:
        self._try(lambda: self._go_to(msg.data))

    def _try(self, do: Callable[[], object]) -> None:
        """What cannot be a goal leaves the goal before it in force."""
        try:
            do()
        except CrlError as error:
            self._refused(str(error))


def captured_goal(observation: Observation | None, why_not: str, camera: str, folder: str) -> GoalImage:
    """The present view of a camera as a goal, saved in ``folder`` where one is given.

    Raises:
        GoalImageError: there is no present view, or it cannot be saved.
    """
    if observation is None:
        raise GoalImageError(f"no goal was captured: {why_not or 'there is no image'}; start camera and arm first")
    frame = observation.frames[camera]
    source = f"captured {camera} {frame.stamp_ns}"
    if folder:
        file = Path(folder).expanduser().absolute() / f"{frame.stamp_ns}-{camera}.png"
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            written = cv2.imwrite(str(file), frame.image[..., ::-1])
        except (OSError, cv2.error) as error:
            raise GoalImageError(f"goal image {file} cannot be saved: {error}; choose another goals_folder") from error
        if not written:
            raise GoalImageError(f"goal image {file} cannot be saved; choose another goals_folder")
        source = str(file)
    return GoalImage(frame.image.copy(), (), source)
