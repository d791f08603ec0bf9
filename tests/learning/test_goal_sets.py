"""Goals of two cameras by topic, at a policy node in a process of its own."""

import time

import numpy as np
import pytest

from crl_robot.contracts import ActionSpec

rclpy = pytest.importorskip("rclpy")

from policy_rig import SIZE, PretendedRobot, peers, picture, policies, wait_until  # noqa: E402, F401
from sensor_msgs.msg import CompressedImage, Image  # noqa: E402

from crl_robot.nodes import messages  # noqa: E402
from crl_robot.nodes.images import jpeg_message  # noqa: E402

pytestmark = [pytest.mark.ros, pytest.mark.slow]

CAMERAS = ("over_shoulder", "wrist")
RAW = "goal/over_shoulder/image+goal/wrist/image"


class TwoCameras(PretendedRobot):
    """The pretended robot with a second camera, and an operator who sends goals of both."""

    def __init__(self, domain_id):
        super().__init__(domain_id, ActionSpec(), SIZE)
        make = self.node.create_publisher
        self._wrist = make(Image, "/wrist/image_raw", messages.IMAGE_PUBLISHER_QOS)
        self._raw = {camera: make(Image, f"/goal/{camera}/image", 1) for camera in (*CAMERAS, "wirst")}
        self._coded = {camera: make(CompressedImage, f"/goal/{camera}/image/compressed", 1) for camera in CAMERAS}
        self.got["native"] = []
        self.node.create_subscription(Image, "/policy/goal_native", self._keep("native"), messages.LATCHED_QOS)

    def _publish(self):
        super()._publish()
        self._wrist.publish(messages.msg_from_image(self.image, time.time_ns(), "wrist_optical_frame"))

    def send(self, camera, grey, stamp_ns):
        self._raw[camera].publish(messages.msg_from_image(picture(grey), stamp_ns, ""))

    def send_coded(self, camera, grey, stamp_ns):
        self._coded[camera].publish(jpeg_message(picture(grey), stamp_ns, "", 95))

    def send_broken(self, camera, stamp_ns):
        msg = messages.msg_from_image(picture(50), stamp_ns, "")
        msg.encoding = "32FC1"
        self._raw[camera].publish(msg)

    def was_refused(self, words):
        return any(words in msg.data for _, msg in self.got["status"])

    def refused(self, words):
        wait_until(lambda: self.was_refused(words))

    def shown(self):
        return min(self.got["native"][-1][1].data)


def test_a_goal_of_two_cameras_comes_into_force_whole_or_not_at_all(peers, tmp_path, untrained_pair):  # noqa: F811
    world = peers(TwoCameras)
    acting = {"checkpoint": str(untrained_pair), "max_age_ms": 2000.0, "align_ms": 2000.0, "when_stuck": "go_on"}
    with policies(tmp_path, acting) as graph:
        wait_until(lambda: world.got["status"] and "no goal yet" in world.status()["reason"])
        assert world.status()["reason"].endswith("send one to goal/over_shoulder/image, goal/wrist/image")
        wait_until(lambda: world.send("wrist", 40, time.time_ns()) or world.was_refused("a later one began"))
        world.send("wrist", 50, 0)
        world.refused("goal/wrist/image: the goal of camera 'wrist' has stamp 0")
        world.goals.publish(messages.msg_from_image(picture(60), 1, ""))
        world.refused("a goal on goal/image is one picture, the checkpoint sees over_shoulder, wrist")
        assert world.got["action"] == world.got["native"] == []

        now_ns = time.time_ns()
        for camera, grey in zip(CAMERAS, (60, 50), strict=True):
            world.send(camera, grey, now_ns)
        wait_until(lambda: world.status()["goal"] == RAW)
        wait_until(lambda: world.got["action"])
        assert (world.shown(), world.status()["goal_refused"]) == (60, "")

        world.send("over_shoulder", 70, now_ns + 2)
        world.send_broken("wrist", now_ns + 2)
        world.refused("goal/wrist/image: image has encoding '32FC1'")
        world.send("over_shoulder", 70, now_ns + 3)
        world.refused("3 s went by before wrist had come")
        assert (world.shown(), world.status()["state"]) == (60, "running")

        sent_at = time.monotonic()
        for number in range(100):
            world.send("wrist", 80, now_ns + 10 + number)
            time.sleep(0.01)  # as a quick sender; a flood would measure the middleware
        for camera in CAMERAS:
            world.send_coded(camera, 90, now_ns + 1000)
        wait_until(lambda: world.status()["goal"].endswith("+goal/wrist/image/compressed"))
        sent = len(world.got["action"])
        wait_until(lambda: len(world.got["action"]) >= sent + 3)
        times = [at for at, _ in world.got["action"] if at >= sent_at]
        assert np.median(np.diff(times)) < 2 * ActionSpec().period_s
        log = graph.log_path("p0").read_text()
        assert "goals on /goal/wirst/image are not heard: the checkpoint sees over_shoulder, wrist" in log
