"""The recorder's executable beside the simulated arm's, in processes of their own over DDS."""

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: pip install '.[ros]'")

import rclpy
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from crl_data.checking.check import check_store
from crl_data.nodes.recorder_topics import calibration_from_msg
from crl_data.pending import accept_pending
from crl_data.store import Store
from crl_robot.contracts import Action
from crl_robot.nodes.messages import (
    ACTION_QOS,
    COMMANDED_QOS,
    IMAGE_QOS,
    LATCHED_QOS,
    STATE_QOS,
    camera_info,
    msg_from_action,
    ns_from_time,
)
from crl_robot.nodes.observation_topics import numbering

pytestmark = [
    pytest.mark.ros,
    pytest.mark.slow,
    # lark, which the ROS wheels import, still uses it
    pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning"),
]

CONFIGS = Path(__file__).parents[2] / "configs" / "ros"
DEADLINE_S = 30.0
DOMAIN = str(100 + os.getpid() % 100)


class Operator(Node):
    """Sends an action for the newest image, and calls services."""

    def __init__(self) -> None:
        super().__init__("operator")
        self.newest_ns: int | None = None
        self.commanded = 0
        self.create_subscription(Image, "/over_shoulder/image_raw", self._on_image, IMAGE_QOS)
        self.create_subscription(JointState, "/arm/commanded", self._on_commanded, STATE_QOS)
        self.create_subscription(String, "/recorder/status", self._on_status, LATCHED_QOS)
        self.create_subscription(String, "/recorder/audit", self._on_audit, LATCHED_QOS)
        self._actions = self.create_publisher(JointState, "/arm/action", ACTION_QOS)

    def _on_image(self, msg: Image) -> None:
        self.newest_ns = ns_from_time(msg.header.stamp)

    def _on_commanded(self, _: JointState) -> None:
        self.commanded += 1

    def _on_status(self, msg: String) -> None:
        self.status = json.loads(msg.data)

    def _on_audit(self, msg: String) -> None:
        self.audit = json.loads(msg.data)

    def spin_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            rclpy.spin_once(self, timeout_sec=0.01)

    def wait(self, condition) -> None:
        end = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < end
            self.spin_for(0.05)

    def call(self, name: str) -> Trigger.Response:
        return self._ask(Trigger, name, Trigger.Request())

    def mark(self, success: bool) -> None:
        assert self._ask(SetBool, "/recorder/mark_success", SetBool.Request(data=success)).success

    def _ask(self, kind, name: str, request):
        client = self.create_client(kind, name)
        assert client.wait_for_service(DEADLINE_S), name
        future = client.call_async(request)
        rclpy.spin_until_future_complete(self, future, timeout_sec=DEADLINE_S)
        self.destroy_client(client)
        return future.result()

    def start_recording(self) -> None:
        """Start as soon as images and arm state flow."""
        self.wait(lambda: self.newest_ns is not None)
        end = time.monotonic() + DEADLINE_S
        while not (answer := self.call("/recorder/start")).success:
            assert time.monotonic() < end, answer.message
            self.spin_for(0.2)

    def move(self, actions: int) -> None:
        # Arm and recorder; what is sent before is heard by one.
        self.wait(lambda: self._actions.get_subscription_count() >= 2)
        self.spin_for(0.5)
        for index in range(actions):
            values = np.array([0, 0.2 if index == 0 else 0.01, 0, 0, 0, 0, 0], np.float32)
            self._actions.publish(msg_from_action(Action(values, self.newest_ns)))
            self.spin_for(0.2)


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setenv("ROS_DOMAIN_ID", DOMAIN)
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setenv("FASTDDS_DEFAULT_PROFILES_FILE", str(CONFIGS / "fastdds.xml"))


@pytest.fixture
def operator(environment):
    rclpy.init(domain_id=int(DOMAIN))
    node = Operator()
    yield node
    node.destroy_node()
    rclpy.shutdown()


@contextlib.contextmanager
def running(module: str, *arguments: str):
    """A node's process; it must leave with code 0 when asked to."""
    command = [sys.executable, "-m", module, "--ros-args", *arguments]
    process = subprocess.Popen(command)
    try:
        yield process
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE_S) == 0
    finally:
        process.kill()
        process.wait()


def recorder(path: Path, *settings: str):
    parameters = ["--params-file", str(CONFIGS / "recorder.yaml"), "-p", f"store:={path}", "-p", "min_free_mb:=0"]
    parameters += [word for setting in settings for word in ("-p", setting)]
    return running("crl_data.nodes.recorder_node", *parameters)


def test_the_recorder_writes_what_the_arm_did(tmp_path, operator):
    path = tmp_path / "r.zarr"
    simulation = running("crl_robot.nodes.sim_node", "--params-file", str(CONFIGS / "sim.yaml"))
    with simulation, recorder(path, "operator:=ann", "robot_id:=sim-1"):
        assert not operator.call("/recorder/stop").success
        operator.start_recording()
        assert not operator.call("/recorder/start").success
        operator.move(8)
        goal = operator.call("/recorder/capture_goal")
        operator.mark(True)
        commanded = operator.commanded
        answer = operator.call("/recorder/stop")
        assert answer.success, answer.message
        assert not operator.call("/recorder/start").success
        operator.wait(lambda: operator.status["state"] == "pending")
        assert operator.audit["steps"] == commanded
        assert operator.call("/recorder/accept").success
        operator.start_recording()
        operator.move(2)
        assert operator.call("/recorder/discard").success
        operator.start_recording()
        operator.move(2)

    store = Store.open(path)
    assert check_store(path, progress=False).exit_code == 0
    (meta,) = store.metas()
    episode = store.read(meta.id)
    assert (meta.source, len(episode), meta.success) == ("recorder", commanded, True)
    assert set(meta.lost.values()) == {0}
    assert (meta.operator, meta.robot_id) == ("ann", "sim-1")
    assert meta.calibration["over_shoulder"]["width"] == 320
    assert commanded >= 4
    assert episode["action_requested"][0, 1] == np.float32(0.2)
    assert episode["action_commanded"][0, 1] == pytest.approx(0.05)
    moved = episode["tool_measured"][-1, 1] - episode["tool_measured"][0, 1]
    assert moved == pytest.approx(episode["action_commanded"][:-1, 1].sum(), abs=0.01)
    track = episode.cameras["over_shoulder"]
    assert (track.stamp_ns < track.receive_stamp_ns).all()
    assert not np.array_equal(track.frame(0), track.frame(commanded - 1))
    assert np.abs(episode["state_stamp_ns"] - track.stamp_ns).max() <= 50e6
    rate = 1e9 / np.median(np.diff(store.array(meta, "streams/arm/stamp_ns")))
    assert rate == pytest.approx(50, rel=0.1)

    assert "marked step" in goal.message
    (image,) = path.with_name("r.zarr.goals").iterdir()
    assert str(image) in goal.message
    assert len(meta.goal_steps) == 1
    (pending,) = tmp_path.glob("r.zarr.pending-*")  # the episode that ran when the process was asked to end
    accept_pending(store, pending.name.removeprefix("r.zarr.pending-"))
    assert len(store.metas()) == 2


def test_an_arm_moved_by_hand_is_recorded_without_actions(tmp_path, operator):
    path = tmp_path / "r.zarr"
    simulation = running("crl_robot.nodes.sim_node", "--params-file", str(CONFIGS / "sim.yaml"))
    with simulation, recorder(path, "steps_from:=clock", "review:=false"):
        operator.start_recording()
        operator.spin_for(2.0)
        answer = operator.call("/recorder/stop")
        assert answer.success, answer.message
    store = Store.open(path)
    (meta,) = store.metas()
    assert store.spec.labels == ("achieved",)
    assert 9 <= meta.steps + meta.lost["steps"] <= 12
    assert "action_commanded" not in meta.checksums


def test_nothing_begins_before_the_arm_is_known(tmp_path, operator):
    """Actions that came before their publisher was known were neither recorded nor counted."""
    with recorder(tmp_path / "r.zarr"):
        answer = operator.call("/recorder/start")
    assert not answer.success
    assert "nothing to record yet" in answer.message


def test_actions_sent_before_anyone_listened_are_heard_and_numbered_from_the_first(operator):
    """What was commanded before the recorder and the arm had found each other was neither recorded nor counted."""
    publisher = operator.create_publisher(JointState, "/arm/commanded", COMMANDED_QOS)
    for stamp in (1, 2, 3):
        publisher.publish(msg_from_action(Action(np.zeros(7), stamp)))
    heard = []
    listen = lambda msg, info: heard.append((ns_from_time(msg.header.stamp), numbering(info)[0]))  # noqa: E731
    operator.create_subscription(JointState, "/arm/commanded", listen, COMMANDED_QOS)
    operator.wait(lambda: len(heard) == 3)
    assert heard == [(1, 1), (2, 2), (3, 3)]


def test_a_calibration_is_kept_as_plain_values_and_none_is_made_up():
    told = camera_info(640, 480, 1.0)
    told.header.frame_id = "wrist_optical_frame"
    calibration = json.loads(json.dumps(calibration_from_msg(told)))
    assert (calibration["width"], calibration["height"], calibration["frame_id"]) == (640, 480, "wrist_optical_frame")
    assert calibration["k"] == pytest.approx(told.k.tolist())
    assert calibration_from_msg(CameraInfo(width=640, height=480)) is None
    told.d = [math.nan] * 5
    assert calibration_from_msg(told) is None


def test_a_store_of_another_camera_size_is_refused_at_the_start(tmp_path, environment, store):
    command = [sys.executable, "-m", "crl_data.nodes.recorder_node", "--ros-args", "-p", f"store:={store.path}"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE_S)
    assert ended.returncode == 2
    assert "[320, 240]" in ended.stderr
    assert "[32, 24]" in ended.stderr
