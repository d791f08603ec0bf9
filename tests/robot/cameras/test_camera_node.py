"""The camera node in this process: topics, lifecycle, diagnostics, and what it refuses."""

import os
import time
from collections import defaultdict

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy")

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from tests.robot.camera_suite import DEADLINE_S, picture
from tests.robot.cameras.boards import D, K
from tests.robot.cameras.fakes import SIZE, FakeCapture, Shutter

from crl_robot.cameras import bench_cameras
from crl_robot.cameras.calibration import Calibration, save_calibration
from crl_robot.cameras.live import LiveCamera
from crl_robot.cameras.uvc import UvcDevice, UvcSettings
from crl_robot.contracts import ArmState, JointReading, Pose
from crl_robot.errors import ConfigError
from crl_robot.nodes import camera as camera_module
from crl_robot.nodes.camera import CameraNode
from crl_robot.nodes.images import frame_from_compressed, jpeg_message
from crl_robot.nodes.messages import IMAGE_QOS, frame_from_msg, ns_from_time
from crl_robot.resources import config_file
from crl_robot.streams import ObservationBuffer

pytestmark = pytest.mark.ros
KINDS = {"image_raw": Image, "image_raw/compressed": CompressedImage, "camera_info": CameraInfo}
POSE = Pose(np.zeros(3), np.array([1.0, 0.0, 0.0, 0.0]))
SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class Stage:
    """The node, and a listener in another node of this process."""

    def __init__(self, topics, **parameters):
        settings = {"name": "left", "width": SIZE[0], "height": SIZE[1], "autostart": "false"} | parameters
        flags = [part for key, value in settings.items() for part in ("-p", f"{key}:={value}")]
        rclpy.init(args=["--ros-args", "-r", "__ns:=/rig", *flags], domain_id=1 + os.getpid() % 99)
        self.got = defaultdict(list)
        self.executor = SingleThreadedExecutor()
        self.ears = rclpy.create_node("ears")
        self.executor.add_node(self.ears)
        for topic in topics:
            name = f"/rig/left/{topic}"
            self.ears.create_subscription(KINDS[topic], name, self.got[topic].append, IMAGE_QOS)
        self.ears.create_subscription(DiagnosticArray, "/diagnostics", self.got["diagnostics"].append, 10)
        self.node = CameraNode()
        self.executor.add_node(self.node)

    def up(self):
        assert self.node.trigger_configure() == SUCCESS
        assert self.node.trigger_activate() == SUCCESS
        topics = self.node._topics
        self.spin(lambda: topics.wanted)

    def spin(self, until, also=lambda: None):
        deadline = time.monotonic() + DEADLINE_S
        while not until():
            assert time.monotonic() < deadline
            also()
            self.executor.spin_once(timeout_sec=0.02)

    def wait_for(self, topic, count=1, also=lambda: None):
        self.spin(lambda: len(self.got[topic]) >= count, also)
        return self.got[topic][-1]

    def close(self):
        self.node.leave()
        self.executor.shutdown()
        self.node.destroy_node()
        self.ears.destroy_node()
        rclpy.try_shutdown()


@pytest.fixture
def stage():
    stages = []

    def make(*topics, **parameters):
        stages.append(Stage(topics, **parameters))
        return stages[-1]

    yield make
    for made in stages:
        made.close()
    rclpy.try_shutdown()


@pytest.fixture
def shutter(monkeypatch):
    """A USB camera that takes pictures when told to, in place of a real one."""
    shutter = Shutter(still=False)

    def open_camera(config, clock_ns, notify):
        settings = UvcSettings(config.device, config.size, config.fps, exposure=config.exposure)
        takes = {cv2.CAP_PROP_FPS: lambda asked: min(asked, 30.0)}

        def device():
            return UvcDevice(settings, clock_ns, lambda _: FakeCapture(shutter, takes))

        return LiveCamera(config.name, device, config.max_age_s, retry_s=(0.01, 0.05), notify=notify)

    monkeypatch.setattr(camera_module, "open_camera", open_camera)
    yield shutter
    shutter.plugged.clear()


def test_raw_compressed_and_info_go_out_in_the_nodes_namespace_with_the_frames_stamp(stage):
    show = stage(*KINDS, kind="file", device="noise")
    show.up()
    raw, compressed, info = (show.wait_for(topic, 3) for topic in KINDS)
    frame = frame_from_msg(raw, 0)
    assert frame.image.shape == (SIZE[1], SIZE[0], 3)
    stamps = {topic: [ns_from_time(msg.header.stamp) for msg in show.got[topic]] for topic in KINDS}
    assert set(stamps["image_raw"]) & set(stamps["image_raw/compressed"]) & set(stamps["camera_info"])
    assert np.all(np.diff(stamps["image_raw"]) > 0)
    assert {msg.header.frame_id for msg in (raw, compressed, info)} == {"left_optical_frame"}
    same = show.got["image_raw"][stamps["image_raw"].index(ns_from_time(compressed.header.stamp))]
    decoded = frame_from_compressed(compressed, 0).image.astype(int)
    assert np.abs(decoded - frame_from_msg(same, 0).image).mean() < 6


def test_without_a_calibration_the_info_has_the_size_and_a_k_of_zeros(stage):
    show = stage("camera_info", kind="file", device="noise")
    show.up()
    info = show.wait_for("camera_info")
    assert (info.width, info.height) == SIZE
    assert not info.k.any()
    assert list(info.d) == []


def test_the_info_is_that_of_the_calibration_file(stage, tmp_path):
    path = tmp_path / "left.yaml"
    calibration = Calibration.single("left", SIZE, K / [[10], [10], [1]], D)
    save_calibration(path, calibration)
    show = stage("camera_info", kind="file", device="noise", calibration=path)
    show.up()
    info = show.wait_for("camera_info")
    np.testing.assert_array_equal(info.k.reshape(3, 3), calibration.K)
    np.testing.assert_array_equal(info.p.reshape(3, 4), calibration.P)
    np.testing.assert_array_equal(info.d, D)
    assert info.distortion_model == "plumb_bob"


def test_it_publishes_only_while_active_and_can_be_opened_again(stage):
    show = stage("image_raw", kind="file", device="noise")
    show.up()
    show.wait_for("image_raw")
    assert show.node.trigger_deactivate() == SUCCESS
    assert not show.node.active
    count = show.node._topics.published
    camera = show.node._camera
    before = camera.health().captured
    show.spin(lambda: camera.health().captured > before + 2)
    assert show.node._topics.published == count
    assert show.node.trigger_cleanup() == SUCCESS
    assert show.node.diagnose() == (True, "not open", {})
    show.up()
    show.got["image_raw"].clear()
    show.wait_for("image_raw")


def test_the_log_holds_the_stamps_that_were_published(stage, tmp_path):
    show = stage("image_raw", kind="file", device="noise", log=tmp_path / "log.csv")
    show.up()
    show.wait_for("image_raw", 3)
    show.node.leave()
    stamps = (tmp_path / "log.csv").read_text().split()[1:]
    assert {str(ns_from_time(msg.header.stamp)) for msg in show.got["image_raw"]} <= set(stamps)


def test_an_unplugged_camera_is_told_in_diagnostics_and_publishes_again_when_it_is_back(stage, shutter):
    show = stage("image_raw", max_age_s=10.0)
    show.up()
    show.wait_for("image_raw", 2, shutter.take)
    assert show.node.diagnose()[:2] == (True, "publishing")
    shutter.plugged.clear()
    show.spin(lambda: not show.node.diagnose()[2]["connected"])
    well, message, _ = show.node.diagnose()
    assert not well
    assert "no frame" in message
    before = len(show.got["image_raw"])
    shutter.plugged.set()
    show.wait_for("image_raw", before + 2, shutter.take)
    assert show.node.diagnose()[2]["connected"]
    assert show.node.diagnose()[2]["reconnects"] == 1
    assert show.node.failure is None


def test_a_frozen_picture_is_told_in_diagnostics_at_one_hertz(stage, shutter):
    show = stage("image_raw", frozen_after=5)
    show.up()
    shutter.still = True
    show.spin(lambda: show.node.diagnose()[2]["frozen"], shutter.take)
    show.got["diagnostics"].clear()
    status = show.wait_for("diagnostics", also=shutter.take).status[0]
    values = {entry.key: entry.value for entry in status.values}
    assert status.name == "/rig/camera"
    assert "frozen: the last" in status.message
    assert values["frozen"] == "True"
    assert "V4L2 buffer timestamp" in values["stamp_source"]
    assert {"rate_hz", "age_p50_ms", "published", "skipped", "lost", "missing"} <= set(values)


def test_a_frozen_picture_is_not_published_until_it_changes(stage, shutter):
    """Under new stamps it would look fresh, and a policy would act on what it no longer sees."""
    show = stage("image_raw", frozen_after=5, max_age_s=10.0)
    show.up()
    shutter.still = True
    show.spin(lambda: show.node.diagnose()[2]["withheld"] >= 5, shutter.take)
    values = show.node.diagnose()[2]
    assert values["frozen"]
    assert values["published"] == 4
    assert values["captured"] == values["published"] + values["skipped"] + values["withheld"]
    shutter.still = False
    show.spin(lambda: show.node._topics.published > 4, shutter.take)
    assert not show.node.diagnose()[2]["frozen"]
    raw = show.wait_for("image_raw", 5)
    assert np.any(frame_from_msg(raw, 0).image != picture(0, SIZE))


def test_a_frozen_camera_leaves_a_policy_without_a_fresh_image(stage, shutter):
    show = stage(max_age_s=10.0, frozen_after=3)
    seen = ObservationBuffer(("left",), tolerance_s=0.3)
    show.ears.create_subscription(
        Image, "/rig/left/image_raw", lambda msg: seen.add_frame("left", frame_from_msg(msg, time.time_ns())), IMAGE_QOS
    )
    show.up()
    shutter.still = True
    show.spin(lambda: seen.received["left"] > 0, shutter.take)
    assert seen.why_not(time.time_ns()) == "no arm state yet"
    seen.add_arm(ArmState(JointReading(np.zeros(6), np.zeros(6), 0.0, time.time_ns()), POSE, POSE, 0.0, "moving"))
    show.spin(lambda: "image of camera 'left'" in seen.why_not(time.time_ns()), shutter.take)
    assert seen.observe(time.time_ns()) is None


def test_a_film_may_stand_still(stage, tmp_path):
    cv2.imwrite(str(tmp_path / "still.png"), np.full((SIZE[1], SIZE[0], 3), 90, np.uint8))
    show = stage("image_raw", kind="file", device=tmp_path, fps=60.0)
    show.up()
    show.wait_for("image_raw", 15)
    assert show.node.diagnose()[2]["withheld"] == 0


def test_settings_that_the_driver_did_not_take_stay_in_the_diagnostics(stage, shutter):
    show = stage("image_raw", fps=60.0)
    show.up()
    well, message, _ = show.node.diagnose()
    assert not well
    assert "fps is 30, asked for 60" in message


def test_a_topic_is_relayed_with_its_own_stamps(stage):
    show = stage("image_raw", kind="topic", device="/theirs/image/compressed", max_age_s=60.0)
    publisher = show.ears.create_publisher(CompressedImage, "/theirs/image/compressed", IMAGE_QOS)
    show.up()

    sent = []

    def send():
        sent.append(time.time_ns())
        publisher.publish(jpeg_message(picture(len(sent), SIZE), sent[-1], "theirs", 95))

    raw = show.wait_for("image_raw", 2, send)
    assert ns_from_time(raw.header.stamp) in sent
    image = frame_from_msg(raw, 0).image
    assert image[5, 5, 0] > 180
    assert image[5, -5, 2] > 180


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"kind": "usb"}, "parameter 'kind' is 'usb'"),
        ({"kind": "file", "fps": 1.0}, "at least one period"),
        ({"jpeg_quality": 0}, "jpeg_quality"),
        ({"width": "wide"}, "width"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_at_once(stage, parameters, reason):
    with pytest.raises(ConfigError, match=reason):
        stage(**parameters)


@pytest.mark.parametrize(
    "parameters",
    [
        {"kind": "file", "device": "nowhere.mp4"},
        {"kind": "file", "device": "noise", "calibration": "nowhere.yaml"},
        {"kind": "uvc", "device": "/dev/nothing"},
        {"kind": "realsense"},
    ],
)
def test_a_camera_or_calibration_that_is_not_there_keeps_it_from_being_configured(stage, parameters):
    show = stage(**parameters)
    assert show.node.trigger_configure() == FAILURE
    assert show.node.diagnose() == (True, "not open", {})


def test_a_calibration_of_another_size_keeps_it_from_being_configured(stage, tmp_path):
    save_calibration(tmp_path / "left.yaml", Calibration.single("left", (640, 480), K, D))
    show = stage(kind="file", device="noise", calibration=tmp_path / "left.yaml")
    assert show.node.trigger_configure() == FAILURE
    assert "is for 640x480 pixels" in str(show.node._step_error)


@pytest.mark.parametrize("name", ["over_shoulder", "wrist", "relayed", "film"])
def test_the_shipped_settings_name_only_parameters_that_exist(name):
    settings = str(config_file("ros/cameras.yaml"))
    rclpy.init(args=["--ros-args", "-r", f"__node:={name}_camera", "--params-file", settings])
    try:
        node = CameraNode()
        node.refuse_unknown_settings()
        assert node.get_parameter("name").value == name
        node.destroy_node()
    finally:
        rclpy.try_shutdown()


def test_the_bench_accounts_for_every_frame_of_the_real_nodes():
    seconds = []
    facts = bench_cameras.run(1.0, cameras=2, size=(160, 120), fps=20.0, on_second=lambda: seconds.append(1))
    assert len(seconds) == 2
    assert facts["sound"]
    for mode in bench_cameras.MODES:
        assert facts[f"{mode}_received"] > 5
        assert facts[f"{mode}_uncounted"] == 0
        assert facts[f"{mode}_published"] == facts[f"{mode}_received"] + facts[f"{mode}_lost"]
        assert 0 < facts[f"{mode}_latency_ms"]["p50"] <= facts[f"{mode}_latency_ms"]["p99"]
    assert facts["raw_bytes_per_frame"] == 160 * 120 * 3
    assert facts["compressed_bytes_per_frame"] < 160 * 120


@pytest.mark.parametrize("wrong", [{"seconds": 0.0}, {"cameras": 0}, {"fps": 1000.0}])
def test_the_bench_refuses_values_that_it_cannot_run_with(wrong):
    with pytest.raises(ConfigError, match="expected"):
        bench_cameras.run(**wrong)
