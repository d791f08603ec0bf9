"""The topics of one camera: image and calibration."""

from __future__ import annotations

from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image

from crl_robot.contracts import Camera
from crl_robot.nodes.messages import IMAGE_PUBLISHER_QOS, camera_info, msg_from_image, time_from_ns


class CameraTopics:
    """Publishes the frames of one camera as /<name>/image_raw with /<name>/camera_info."""

    def __init__(self, node: Node, camera: Camera, fovy_rad: float) -> None:
        self._camera = camera
        self._frame_id = f"{camera.name}_optical_frame"
        self._info = camera_info(*camera.size, fovy_rad)
        self._info.header.frame_id = self._frame_id
        self._images = node.create_publisher(Image, f"/{camera.name}/image_raw", IMAGE_PUBLISHER_QOS)
        self._infos = node.create_publisher(CameraInfo, f"/{camera.name}/camera_info", IMAGE_PUBLISHER_QOS)
        self.published = 0

    def publish(self) -> None:
        """Take the newest frame and publish it, if anyone listens. Raises CameraError when there is none."""
        if not (self._images.get_subscription_count() or self._infos.get_subscription_count()):
            return
        frame = self._camera.read()
        self._images.publish(msg_from_image(frame.image, frame.stamp_ns, self._frame_id))
        self._info.header.stamp = time_from_ns(frame.stamp_ns)
        self._infos.publish(self._info)
        self.published += 1
