"""An operator with a gamepad over DDS: simulation, recorder, teleoperation and session in processes of their own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: pip install '.[ros]'")

import rclpy
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import JointState, Joy
from std_msgs.msg import String
from std_srvs.srv import Trigger

from crl_data.checking.check import check_store
from crl_data.nodes.joy_topics import JOY_PUBLISHER_QOS
from crl_data.store import Store
from crl_data.teleop.layout import load_layout
from crl_robot.nodes.messages import ACTION_QOS, LATCHED_QOS, STATE_QOS

pytestmark = [
    pytest.mark.ros,
    pytest.mark.slow,
    # lark, which the ROS wheels import, still uses it
    pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning"),
]

CONFIGS = Path(__file__).parents[2] / "configs" / "ros"
DEADLINE_S = 40.0
DOMAIN = str(1 + os.getpid() % 99)


class Pad:
    """A gamepad in somebody's hand: 25 messages a second on a thread of its own, and an eye on the topics."""

    def __init__(self):
        self.layout = load_layout("xbox")
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=int(DOMAIN))
        self.node = rclpy.create_node("pad", context=self.context)
        self.axes = [0.0] * self.layout.axis_count
        self.buttons = [0] * self.layout.button_count
        self.said = {}
        self.commanded = 0
        self.joys = self.node.create_publisher(Joy, "/joy", JOY_PUBLISHER_QOS)
        for topic in ("/session/status", "/teleop/status", "/arm/status"):
            self.node.create_subscription(String, topic, lambda msg, topic=topic: self.hear(topic, msg), LATCHED_QOS)
        self.node.create_subscription(JointState, "/arm/commanded", self.count, STATE_QOS)
        self.node.create_timer(0.04, self.publish)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.running = True
        self.thread = threading.Thread(target=self.spin, daemon=True)
        self.thread.start()

    def spin(self):
        while self.running:
            self.executor.spin_once(timeout_sec=0.05)

    def close(self):
        self.running = False
        self.thread.join()
        self.executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()

    def publish(self):
        self.joys.publish(Joy(axes=self.axes, buttons=self.buttons))

    def hear(self, topic, msg):
        self.said[topic] = json.loads(msg.data)

    def count(self, _):
        self.commanded += 1

    def until(self, condition, what):
        deadline = time.monotonic() + DEADLINE_S
        while not (value := condition()):
            assert time.monotonic() < deadline, f"{what} did not come about; last heard: {self.said}"
            time.sleep(0.01)
        return value

    def hold(self, name, down=True):
        buttons = list(self.buttons)
        buttons[self.layout.buttons[name]] = int(down)
        self.buttons = buttons

    def push(self, axis, value):
        axes = list(self.axes)
        axes[self.layout.axes[axis][0]] = value
        self.axes = axes

    def tap(self, name):
        """Down and up again, each long enough to be sent some times."""
        self.hold(name)
        time.sleep(0.2)
        self.hold(name, False)
        time.sleep(0.2)

    def session_is(self, state):
        self.until(lambda: self.said.get("/session/status", {}).get("state") == state, f"session state {state}")

    def start_recording(self):
        """Ask until it records; on a busy machine a stream may be late just then, and the recorder refuses."""
        self.session_is("ready")

        def recording():
            state = self.said["/session/status"]["state"]
            if state == "ready":
                self.call("/session/start")
                time.sleep(0.2)
            return state == "recording"

        self.until(recording, "a recording")

    def drive(self, actions):
        """Hold the dead-man until so many more actions were commanded; press it anew if the machine was too busy."""
        wanted = self.commanded + actions
        self.hold("deadman")

        def enough():
            if "release the dead-man once" in self.said.get("/teleop/status", {}).get("reason", ""):
                self.hold("deadman", False)
                time.sleep(0.2)
                self.hold("deadman")
                time.sleep(0.3)
            return self.commanded >= wanted

        self.until(enough, f"{actions} actions")

    def release(self):
        self.hold("deadman", False)

    def arm_holds(self):
        self.until(lambda: self.said.get("/arm/status", {}).get("mode") == "holding", "a holding arm")

    def call(self, name):
        client = self.node.create_client(Trigger, name)
        assert client.wait_for_service(DEADLINE_S), name
        future = client.call_async(Trigger.Request())
        self.until(future.done, name)
        return future.result()


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setenv("ROS_DOMAIN_ID", DOMAIN)
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setenv("FASTDDS_DEFAULT_PROFILES_FILE", str(CONFIGS / "fastdds.xml"))


@pytest.fixture
def pad(environment):
    pad = Pad()
    yield pad
    pad.close()


@contextlib.contextmanager
def running(name, params_file, *parameters, module="crl_data"):
    """A node's process; it must leave with code 0 when asked to, or when it is done."""
    flags = [part for parameter in parameters for part in ("-p", parameter)]
    command = [sys.executable, "-m", f"{module}.nodes.{name}_node", "--ros-args", "--params-file"]
    process = subprocess.Popen([*command, str(CONFIGS / params_file), *flags])
    try:
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE_S) == 0
    finally:
        process.kill()
        process.wait()


def test_two_episodes_by_gamepad_one_kept_one_dropped_and_the_arm_holds_when_the_dead_man_is_let_go(tmp_path, pad):
    path = tmp_path / "a.zarr"
    recorder = running("recorder", "recorder.yaml", f"store:={path}", "operator:=Ada")
    session = running("session", "teleop.yaml", "episodes:=1", "seed:=3")
    with running("sim", "sim.yaml", module="crl_robot"), recorder, running("teleop", "teleop.yaml"), session as sitting:
        pad.session_is("ready")
        pad.until(lambda: "dead-man released" in pad.said.get("/teleop/status", {}).get("reason", ""), "frames")
        pad.start_recording()
        pad.push("z", 1.0)
        pad.drive(4)
        pad.release()
        pad.arm_holds()
        pad.tap("stop")
        pad.session_is("review")
        pad.tap("drop")
        pad.session_is("ready")
        assert pad.said["/session/status"]["dropped"] == 1

        pad.start_recording()
        pad.push("z", 0.0)
        pad.push("y", 1.0)
        pad.drive(4)
        pad.release()
        pad.arm_holds()
        halfway = pad.commanded
        pad.push("y", -1.0)
        pad.drive(4)
        pad.release()
        pad.arm_holds()
        assert pad.call("/session/success").success
        pad.session_is("recording")
        pad.tap("stop")
        pad.session_is("review")
        assert pad.said["/session/status"]["audit"]["verdict"] in ("good", "suspect", "bad")
        assert pad.call("/session/next").success
        assert sitting.wait(DEADLINE_S) == 0
        commanded = pad.commanded

    assert check_store(path, progress=False).exit_code == 0
    store = Store.open(path)
    (meta,) = store.metas()
    assert (meta.source, meta.operator, meta.success) == ("recorder", "Ada", True)
    actions = store.read(meta.id)["action_commanded"]
    assert 8 <= len(actions) <= commanded
    left, right = np.flatnonzero(actions[:, 1] > 1e-3), np.flatnonzero(actions[:, 1] < -1e-3)
    assert min(len(left), len(right)) >= 3
    assert left.max() < right.min()
    assert np.abs(actions[:, 2]).max() < 1e-3
    assert halfway < commanded


def test_while_another_source_publishes_actions_teleop_keeps_silent_and_names_it(pad):
    with running("sim", "sim.yaml", module="crl_robot"), running("teleop", "teleop.yaml"):
        pad.until(lambda: "dead-man released" in pad.said.get("/teleop/status", {}).get("reason", ""), "frames")
        other = pad.node.create_publisher(JointState, "/arm/action", ACTION_QOS)
        reason = "pad publishes on /arm/action as well"
        pad.until(lambda: reason in pad.said["/teleop/status"]["reason"], "the reason")
        pad.hold("deadman")
        commanded = pad.commanded
        time.sleep(0.6)
        assert pad.commanded == commanded
        pad.node.destroy_publisher(other)
        pad.drive(1)


def test_a_killed_recorder_ends_the_session_with_an_error_and_the_arm_holds(tmp_path, pad):
    recorder = [
        sys.executable,
        "-m",
        "crl_data.nodes.recorder_node",
        "--ros-args",
        "-p",
        f"store:={tmp_path / 'a.zarr'}",
    ]
    session = [sys.executable, "-m", "crl_data.nodes.session_node", "--ros-args", "-p", "peer_timeout_s:=3.0"]
    with running("sim", "sim.yaml", module="crl_robot"), running("teleop", "teleop.yaml"):
        processes = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for command in (recorder, session)]
        try:
            pad.start_recording()
            pad.push("x", 1.0)
            pad.drive(2)
            processes[0].kill()
            assert processes[1].wait(DEADLINE_S) == 1
            pad.session_is("failed")
            pad.until(lambda: "the session is over" in pad.said["/teleop/status"]["reason"], "silence")
            pad.arm_holds()
        finally:
            for process in processes:
                process.kill()
                process.wait()
