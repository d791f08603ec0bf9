"""The topics of one camera: raw and compressed image, and calibration."""

from __future__ import annotations

from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from crl_robot.cameras.calibration import Calibration
from crl_robot.contracts import Camera, Frame
from crl_robot.nodes.images import jpeg_message
from crl_robot.nodes.messages import IMAGE_PUBLISHER_QOS, msg_from_image, time_from_ns

JPEG_QUALITY = 90


class CameraTopics:
    """Publishes frames as <name>/image_raw, <name>/image_raw/compressed and <name>/camera_info.

    The names are relative: they follow the node's namespace. An image is made only for those who listen.

    Args:
        info: the camera's calibration; its header is filled in here.
        quality: of the JPEG, 1 to 100.
    """

    def __init__(self, node: Node, camera: Camera, info: CameraInfo, quality: int = JPEG_QUALITY) -> None:
        self._camera = camera
        self._quality = quality
        self._frame_id = f"{camera.name}_optical_frame"
        self._info = info
        self._info.header.frame_id = self._frame_id
        topic, qos = f"{camera.name}/image_raw", IMAGE_PUBLISHER_QOS
        self._raw = node.create_publisher(Image, topic, qos)
        self._compressed = node.create_publisher(CompressedImage, f"{topic}/compressed", qos)
        self._infos = node.create_publisher(CameraInfo, f"{camera.name}/camera_info", qos)
        self.published = 0

    @property
    def wanted(self) -> bool:
        """Whether anyone listens."""
        return any(topic.get_subscription_count() for topic in (self._raw, self._compressed, self._infos))

    def publish(self) -> None:
        """Take the newest frame and publish it, if anyone listens. Raises CameraError when there is none."""
        if self.wanted:
            self.send(self._camera.read())

    def send(self, frame: Frame) -> None:
        """Publish a frame on the topics that someone listens to."""
        if self._raw.get_subscription_count():
            self._raw.publish(msg_from_image(frame.image, frame.stamp_ns, self._frame_id))
        if self._compressed.get_subscription_count():
            self._compressed.publish(jpeg_message(frame.image, frame.stamp_ns, self._frame_id, self._quality))
        self._info.header.stamp = time_from_ns(frame.stamp_ns)
        self._infos.publish(self._info)
        self.published += 1


def calibrated_info(calibration: Calibration) -> CameraInfo:
    """The message of a calibration."""
    width, height = calibration.size
    msg = CameraInfo(width=width, height=height, distortion_model="plumb_bob", d=calibration.D.tolist())
    msg.k, msg.r, msg.p = (matrix.ravel() for matrix in (calibration.K, calibration.R, calibration.P))
    return msg


def uncalibrated_info(size: tuple[int, int]) -> CameraInfo:
    """Size alone; ROS takes a K of zeros for 'not calibrated'."""
    return CameraInfo(width=size[0], height=size[1])
