"""Somebody else's image topic as a camera, under the shared suite."""

import os
import time

import numpy as np
import pytest

pytest.importorskip("rclpy")

import rclpy
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import CompressedImage, Image
from tests.robot.camera_suite import DEADLINE_S, PluggableCameraSuite, has_no_frame, picture

from crl_robot.errors import CameraError, ConfigError
from crl_robot.nodes.images import jpeg_message
from crl_robot.nodes.messages import IMAGE_PUBLISHER_QOS, msg_from_image
from crl_robot.nodes.topic_camera import TopicCamera

pytestmark = pytest.mark.ros
SIZE = (64, 48)


@pytest.fixture(scope="module", autouse=True)
def ros():
    rclpy.init(domain_id=1 + os.getpid() % 99)
    yield
    rclpy.try_shutdown()


class TopicRig:
    """A publisher and a camera in one process; the publisher falls silent when it is unplugged."""

    count = 0

    def __init__(self, still=False, compressed=False, max_age_s=1.0):
        TopicRig.count += 1
        self.still, self.compressed, self.number = still, compressed, 0
        self.plugged = True
        topic = f"/theirs_{TopicRig.count}/image" + ("/compressed" if compressed else "")
        self.theirs, self.ours = rclpy.create_node("theirs"), rclpy.create_node("ours")
        kind = CompressedImage if compressed else Image
        self.publisher = self.theirs.create_publisher(kind, topic, IMAGE_PUBLISHER_QOS)
        self.notes = []
        self.camera = TopicCamera(self.ours, "left", topic, SIZE, max_age_s=max_age_s, notify=self.notes.append)
        self.executor = SingleThreadedExecutor()
        for node in (self.theirs, self.ours):
            self.executor.add_node(node)
        self.spin(lambda: self.publisher.get_subscription_count() > 0)

    def spin(self, until):
        deadline = time.monotonic() + DEADLINE_S
        while not until():
            assert time.monotonic() < deadline
            self.executor.spin_once(timeout_sec=0.02)

    def send(self, image, stamp_ns=None):
        before = self.camera.health()
        stamp_ns = time.time_ns() if stamp_ns is None else stamp_ns
        message = jpeg_message(image, stamp_ns, "x", 95) if self.compressed else msg_from_image(image, stamp_ns, "x")
        self.publisher.publish(message)
        counts = ("captured", "damaged", "unordered")
        self.spin(lambda: any(getattr(self.camera.health(), name) > getattr(before, name) for name in counts))

    def next(self):
        before = self.camera.health().captured
        self.number += 1
        self.send(picture(0 if self.still else self.number, SIZE))
        found = self.camera.wait_next(before, DEADLINE_S)
        assert found is not None
        return found[1]

    def unplug(self):
        self.spin(lambda: has_no_frame(self.camera))

    def plug_in(self):
        """Its next message is enough."""

    def close(self):
        if self.executor is not None:
            self.camera.close()
            self.executor.shutdown()
            self.theirs.destroy_node()
            self.ours.destroy_node()
            self.executor = None


@pytest.mark.parametrize("compressed", [False, True], ids=["raw", "compressed"])
class TestTopicCamera(PluggableCameraSuite):
    @pytest.fixture
    def make_rig(self, closing, compressed):
        return lambda still: closing(TopicRig(still, compressed))


def test_images_of_another_size_are_refused_and_said_once_and_the_right_ones_taken_again(closing):
    rig = closing(TopicRig(max_age_s=60.0))
    rig.next()
    for _ in range(3):
        rig.send(picture(0, (32, 24)))
    with pytest.raises(CameraError, match="32x24 pixels, expected the native size 64x48"):
        rig.camera.read()
    assert len(rig.notes) == 1
    health = rig.camera.health()
    assert (health.damaged, health.connected) == (3, False)
    rig.next()
    assert rig.camera.health().remarks == ()
    assert rig.camera.health().connected


def test_an_image_that_is_not_stamped_later_is_dropped_and_counted(closing):
    rig = closing(TopicRig(max_age_s=60.0))
    first = rig.next()
    rig.send(picture(9, SIZE), first.stamp_ns)
    assert rig.camera.health().unordered == 1
    np.testing.assert_array_equal(rig.camera.read().image, first.image)


def test_stamps_come_from_the_header(closing):
    rig = closing(TopicRig(max_age_s=60.0))
    stamp_ns = time.time_ns() - 80_000_000
    rig.send(picture(1, SIZE), stamp_ns)
    frame = rig.camera.read()
    assert frame.stamp_ns == stamp_ns
    assert frame.age_ms >= 80
    assert "headers of /theirs" in rig.camera.stamp_source


def test_before_the_first_image_the_error_names_the_topic():
    node = rclpy.create_node("lonely")
    camera = TopicCamera(node, "left", "/nobody/image_raw", SIZE)
    with pytest.raises(CameraError, match="/nobody/image_raw"):
        camera.read()
    camera.close()
    node.destroy_node()


@pytest.mark.parametrize(("topic", "kind"), [("", "auto"), ("/theirs/image", "jpeg")])
def test_a_topic_without_a_name_or_of_an_unknown_type_is_refused(topic, kind):
    node = rclpy.create_node("wrong")
    with pytest.raises(ConfigError, match="expected"):
        TopicCamera(node, "left", topic, SIZE, kind)
    node.destroy_node()
