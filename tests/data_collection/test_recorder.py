"""The recorder's executable beside the simulated arm's, in processes of their own over DDS."""

import contextlib
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
from sensor_msgs.msg import Image, JointState
from std_srvs.srv import Trigger

from crl_data.check import check_store
from crl_data.store import Store
from crl_robot.contracts import Action
from crl_robot.nodes.messages import ACTION_QOS, IMAGE_QOS, STATE_QOS, msg_from_action, ns_from_time

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
        self._actions = self.create_publisher(JointState, "/arm/action", ACTION_QOS)

    def _on_image(self, msg: Image) -> None:
        self.newest_ns = ns_from_time(msg.header.stamp)

    def _on_commanded(self, _: JointState) -> None:
        self.commanded += 1

    def spin_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            rclpy.spin_once(self, timeout_sec=0.01)

    def call(self, name: str) -> Trigger.Response:
        client = self.create_client(Trigger, name)
        assert client.wait_for_service(DEADLINE_S), name
        future = client.call_async(Trigger.Request())
        rclpy.spin_until_future_complete(self, future, timeout_sec=DEADLINE_S)
        self.destroy_client(client)
        return future.result()

    def start_recording(self) -> None:
        """Start as soon as images and arm state flow."""
        end = time.monotonic() + DEADLINE_S
        while self.newest_ns is None:
            assert time.monotonic() < end, "no image came"
            self.spin_for(0.05)
        while not (answer := self.call("/recorder/start")).success:
            assert time.monotonic() < end, answer.message
            self.spin_for(0.2)

    def move(self, actions: int) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while self._actions.get_subscription_count() < 2:  # arm and recorder; what is sent before is heard by one
            assert time.monotonic() < deadline, "arm and recorder did not find the operator"
            self.spin_for(0.05)
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


def recorder(path: Path):
    parameters = ["--params-file", str(CONFIGS / "recorder.yaml"), "-p", f"store:={path}"]
    return running("crl_data.nodes.recorder_node", *parameters)


def test_the_recorder_writes_what_the_arm_did_and_discards_what_was_not_stopped(tmp_path, operator):
    path = tmp_path / "r.zarr"
    simulation = running("crl_robot.nodes.sim_node", "--params-file", str(CONFIGS / "sim.yaml"))
    with simulation, recorder(path):
        assert not operator.call("/recorder/stop").success
        operator.start_recording()
        assert not operator.call("/recorder/start").success
        operator.move(8)
        commanded = operator.commanded
        answer = operator.call("/recorder/stop")
        assert answer.success, answer.message
        operator.start_recording()
        operator.move(2)
        assert operator.call("/recorder/discard").success
        operator.start_recording()
        operator.move(2)

    store = Store.open(path)
    assert check_store(path, progress=False).exit_code == 0
    (meta,) = store.metas()
    episode = store.read(meta.id)
    assert (meta.source, len(episode), meta.lost) == ("recorder", commanded, {"over_shoulder": 0})
    assert commanded >= 4
    assert episode["action_requested"][0, 1] == np.float32(0.2)
    assert episode["action_commanded"][0, 1] == pytest.approx(0.05)
    moved = episode["tool_measured"][-1, 1] - episode["tool_measured"][0, 1]
    assert moved == pytest.approx(episode["action_commanded"][:-1, 1].sum(), abs=0.01)
    track = episode.cameras["over_shoulder"]
    assert (track.stamp_ns < track.receive_stamp_ns).all()
    assert not np.array_equal(track.frame(0), track.frame(commanded - 1))


def test_a_store_of_another_camera_size_is_refused_at_the_start(tmp_path, environment, store):
    command = [sys.executable, "-m", "crl_data.nodes.recorder_node", "--ros-args", "-p", f"store:={store.path}"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE_S)
    assert ended.returncode == 2
    assert "[320, 240]" in ended.stderr
    assert "[32, 24]" in ended.stderr
