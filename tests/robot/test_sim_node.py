"""The `sim` process over DDS: what another process sees of it, and how it ends."""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections import defaultdict
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

pytest.importorskip("rclpy")

import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.parameter_client import AsyncParameterClient
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Bool, String
from std_srvs.srv import SetBool, Trigger

from crl_robot.contracts import ACTION_NAMES, Action
from crl_robot.nodes.messages import ACTION_QOS, IMAGE_QOS, LATCHED_QOS, STATE_QOS, msg_from_action, ns_from_time
from crl_robot.resources import config_file
from crl_robot.sequence import SequenceTracker

pytestmark = pytest.mark.ros
DEADLINE_S = 15.0


def free_domain():
    """A ROS domain of our own; a socket on its first port marks it as taken while this process lives."""
    for domain in range(1 + os.getpid() % 50, 100):
        marker = socket.socket()
        try:
            marker.bind(("127.0.0.1", 7400 + 250 * domain))
        except OSError:
            marker.close()
        else:
            atexit.register(marker.close)
            return domain
    raise AssertionError("all ROS domains are taken")


DOMAIN = free_domain()
OTHER_DOMAIN = {"ROS_DOMAIN_ID": str(free_domain())}
ENVIRONMENT = {
    "ROS_DOMAIN_ID": str(DOMAIN),
    "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
    "ROS_PYTHON_CHECK_FIELDS": "1",
    "FASTDDS_DEFAULT_PROFILES_FILE": str(config_file("ros/fastdds.xml")),
}


def start(module, *parameters, environment=MappingProxyType({}), **options):
    """A node process with parameters given as 'name:=value'."""
    flags = [part for parameter in parameters for part in ("-p", parameter)]
    command = [sys.executable, "-m", module, "--ros-args", "--params-file", str(config_file("ros/sim.yaml")), *flags]
    return subprocess.Popen(command, env=os.environ | ENVIRONMENT | environment, text=True, **options)


def handles_sigterm(process):
    """Whether the first line of ours ran: before it, the interpreter itself is starting and dies of SIGTERM."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def ends_with(process, number):
    """The exit code after a signal."""
    process.send_signal(number)
    return process.wait(DEADLINE_S)


class Client:
    """Another process's view of the graph: keeps what arrives, sends actions, calls services."""

    def __init__(self):
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=DOMAIN)
        self.node = rclpy.create_node("client", context=self.context)
        self.got = defaultdict(list)
        self.frames = SequenceTracker()
        self.actions = self.node.create_publisher(JointState, "/arm/action", ACTION_QOS)
        for topic, kind, qos in [
            ("/joint_states", JointState, STATE_QOS),
            ("/arm/commanded", JointState, STATE_QOS),
            ("/arm/status", String, LATCHED_QOS),
            ("/arm/estopped", Bool, LATCHED_QOS),
            ("/sim/ground_truth", JointState, STATE_QOS),
        ]:
            self.node.create_subscription(kind, topic, self.got[topic].append, qos)
        self.node.create_subscription(Image, "/over_shoulder/image_raw", self.on_image, IMAGE_QOS)
        self.parameters = AsyncParameterClient(self.node, "sim")
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.thread = threading.Thread(target=self.spin, daemon=True)
        self.running = True
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

    def on_image(self, msg, info):
        self.frames.update(info["publication_sequence_number"], info.get("publisher_gid", {}).get("data"))
        self.got["image"].append((time.time_ns(), msg))

    def until(self, condition):
        """Wait for ``condition()`` to be true and return it; fails at the deadline."""
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            if value := condition():
                return value
            time.sleep(0.005)
        raise AssertionError(f"not within {DEADLINE_S} s; last status {self.got['/arm/status'][-1:]}")

    def result(self, future):
        self.until(future.done)
        return future.result()

    def call(self, name, request=None):
        client = self.node.create_client(SetBool if request else Trigger, name)
        self.until(client.service_is_ready)
        return self.result(client.call_async(request or Trigger.Request()))

    def send(self, *values, age_s=0.0):
        padded = np.zeros(7)
        padded[: len(values)] = values
        self.actions.publish(msg_from_action(Action(padded, time.time_ns() - round(age_s * 1e9))))

    def status(self):
        return json.loads(self.got["/arm/status"][-1].data) if self.got["/arm/status"] else {}

    def count(self, event):
        return self.status().get("counters", {}).get(event, 0)

    def tool(self):
        return np.array(self.got["/sim/ground_truth"][-1].position[:3])

    def reset(self, task="reach", seed=0):
        values = [Parameter("task", value=task), Parameter("episode_seed", value=seed)]
        self.until(self.parameters.services_are_ready)
        self.result(self.parameters.set_parameters(values))
        answer = self.call("/sim/reset")
        assert answer.success, answer.message
        episode = json.loads(answer.message)
        self.until(lambda: ns_from_time(self.got["/sim/ground_truth"][-1].header.stamp) > episode["stamp_ns"])
        return episode


@pytest.fixture(scope="module")
def sim():
    process = start("crl_robot.nodes.sim_node")
    yield process
    assert ends_with(process, signal.SIGTERM) == 0


@pytest.fixture(scope="module")
def connected(sim):
    client = Client()
    try:
        client.until(lambda: client.got["/joint_states"] and client.got["/sim/ground_truth"] and client.status())
        client.until(lambda: client.actions.get_subscription_count() == 1)
        yield client
    finally:
        client.close()


@pytest.fixture
def client(connected):
    """A client of an enabled arm that holds at the start of an episode; nothing received yet but the last status."""
    client = connected
    client.call("/arm/reset")
    client.call("/arm/enable", SetBool.Request(data=True))
    client.reset()
    client.until(lambda: client.status()["mode"] == "holding")
    client.got["/arm/commanded"].clear()
    return client


def test_every_frame_that_is_published_arrives_fresh(client):
    client.until(lambda: len(client.got["image"]) >= 45)
    ages = [(received - ns_from_time(msg.header.stamp)) / 1e6 for received, msg in client.got["image"]]
    assert client.frames.lost == 0
    assert np.median(ages) < 100  # about 5 ms on an idle machine
    first = client.got["image"][0][1]
    assert (first.width, first.height, first.encoding) == (320, 240, "rgb8")
    assert first.header.frame_id == "over_shoulder_optical_frame"
    assert np.frombuffer(first.data, np.uint8).std() > 5


def test_actions_move_the_tool_and_what_was_commanded_is_published(client):
    before = client.tool()
    up = np.sign(0.13 - before[2])
    for _ in range(4):
        client.send(0.0, 0.0, 0.02 * up)
        time.sleep(0.2)
    client.until(lambda: abs(client.tool()[2] - before[2]) > 0.05)
    commanded = client.got["/arm/commanded"]
    assert list(commanded[-1].name) == list(ACTION_NAMES)
    assert commanded[-1].position[2] == pytest.approx(0.02 * up, abs=1e-3)


def test_the_arm_holds_within_two_control_periods_of_its_command_source_being_killed(client):
    source = textwrap.dedent("""
        import sys, time, numpy as np, rclpy
        from sensor_msgs.msg import JointState
        from crl_robot.contracts import Action
        from crl_robot.nodes.messages import ACTION_QOS, msg_from_action
        rclpy.init()
        node = rclpy.create_node("source")
        publisher = node.create_publisher(JointState, "/arm/action", ACTION_QOS)
        for k in range(1000):
            values = np.array([0, 0, 0, 0, 0, 0.05 * (-1) ** k, 0])
            publisher.publish(msg_from_action(Action(values, time.time_ns())))
            time.sleep(0.2)
    """)
    process = subprocess.Popen([sys.executable, "-c", source], env=os.environ | ENVIRONMENT)
    silences = client.count("silence")
    client.until(lambda: len(client.got["/arm/commanded"]) >= 5)
    process.kill()
    process.wait()
    killed = time.monotonic()
    client.until(lambda: client.status()["mode"] == "holding")
    # 0.4 s by the table, and what the status needs to get here on a busy machine
    assert time.monotonic() - killed < 0.4 + 0.2
    assert client.count("silence") == silences + 1
    held = client.tool()
    time.sleep(0.5)
    np.testing.assert_allclose(client.tool(), held, atol=0.005)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("bad_action", JointState(name=["dx"], position=[0.01])),
        ("bad_action", JointState(name=list(ACTION_NAMES), position=[float("nan")] * 7)),
        ("stale_action", msg_from_action(Action(np.full(7, 0.01), 1))),
    ],
)
def test_bad_and_stale_actions_are_refused_and_counted_and_the_arm_does_not_move(client, event, message):
    before, count, held = client.count("accepted"), client.count(event), client.tool()
    client.actions.publish(message)
    client.until(lambda: client.count(event) == count + 1)
    assert client.count("accepted") == before
    assert client.status()["mode"] == "holding"
    np.testing.assert_allclose(client.tool(), held, atol=0.003)


def test_an_estop_stays_latched_until_it_is_reset(client):
    assert client.call("/arm/estop").success
    client.until(lambda: client.got["/arm/estopped"][-1].data)
    client.send(0.01)
    client.until(lambda: client.count("not_enabled") >= 1)
    refusal = client.call("/arm/enable", SetBool.Request(data=True))
    assert not refusal.success
    assert "reset" in refusal.message
    assert client.call("/arm/reset").success
    assert client.status()["mode"] == "disabled"
    assert client.call("/arm/enable", SetBool.Request(data=True)).success
    client.until(lambda: not client.got["/arm/estopped"][-1].data)


def test_fifty_resets_in_a_row_put_the_arm_at_each_start_and_the_next_action_is_accepted(client):
    begun = time.monotonic()
    for seed in range(50):
        episode = client.reset("push", seed)
    assert time.monotonic() - begun < DEADLINE_S
    stamp = episode["stamp_ns"]
    client.until(lambda: ns_from_time(client.got["/sim/ground_truth"][-1].header.stamp) > stamp)
    np.testing.assert_allclose(client.tool(), episode["start_tool"], atol=0.005)
    np.testing.assert_allclose(
        client.got["/sim/ground_truth"][-1].position[3:5], episode["start_object_xy"], atol=0.002
    )
    accepted = client.count("accepted")
    client.send(0.0, 0.0, 0.01)
    client.until(lambda: client.count("accepted") == accepted + 1 or client.got["/arm/commanded"])


def test_a_reset_to_an_unknown_task_is_refused_naming_the_nearest(client):
    client.result(client.parameters.set_parameters([Parameter("task", value="pusch")]))
    answer = client.call("/sim/reset")
    assert not answer.success
    assert "push" in answer.message
    assert client.status()["mode"] == "holding"


def test_a_reset_to_a_task_of_another_scene_is_refused_with_what_to_do(client):
    client.result(client.parameters.set_parameters([Parameter("task", value="drawer")]))
    answer = client.call("/sim/reset")
    assert not answer.success
    assert "start it with task:=drawer" in answer.message


def test_the_arm_homes_on_request(client):
    assert client.call("/arm/home").success
    client.until(lambda: client.status()["reason"] == "at home")
    client.until(lambda: np.linalg.norm(client.tool() - [0.30, 0.0, 0.15]) < 0.01)


def test_the_node_can_be_taken_through_its_lifecycle_and_holds_while_inactive(client):
    change = client.node.create_client(ChangeState, "/sim/change_state")
    client.until(change.service_is_ready)

    def take(transition):
        request = ChangeState.Request(transition=Transition(id=transition))
        return client.result(change.call_async(request)).success

    assert take(Transition.TRANSITION_DEACTIVATE)
    client.until(lambda: client.status()["mode"] == "disabled")
    assert not client.call("/arm/enable", SetBool.Request(data=True)).success
    assert take(Transition.TRANSITION_CLEANUP)
    time.sleep(0.3)
    states = len(client.got["/joint_states"])
    time.sleep(0.3)
    assert len(client.got["/joint_states"]) == states
    assert take(Transition.TRANSITION_CONFIGURE)
    assert take(Transition.TRANSITION_ACTIVATE)
    client.until(lambda: len(client.got["/joint_states"]) > states and client.status()["mode"] == "holding")
    frames = len(client.got["image"])
    client.until(lambda: len(client.got["image"]) > frames)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after_s", [0.0, 0.5, 1.5, 3.0])
def test_the_process_leaves_with_code_0_whenever_a_signal_comes(number, after_s):
    process = start("crl_robot.nodes.sim_node", environment=OTHER_DOMAIN, stderr=subprocess.PIPE)
    while not handles_sigterm(process):
        time.sleep(0.001)
    time.sleep(after_s)
    process.send_signal(number)
    _, log = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, log
    assert "crl_robot" not in log  # neither an error nor a traceback of ours


@pytest.mark.parametrize(
    ("parameter", "hint"),
    [
        ("camera_rat:=5.0", "camera_rate"),
        ("task:=reech", "reach"),
        ("cameras:=[wirst]", "wrist"),
        ("task:=3", "task"),
        ("limits.inner_rate_hz:=100.0", "50"),
        ("robot:=windowx", "widowx"),
        ("emulate:=rosbridge", "servo_bus"),
    ],
)
def test_a_wrong_setting_ends_the_process_with_code_2_and_a_hint(parameter, hint):
    process = start("crl_robot.nodes.sim_node", parameter, environment=OTHER_DOMAIN, stderr=subprocess.PIPE)
    _, log = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 2
    assert hint in log
    assert "Traceback" not in log


def test_a_parameter_file_holds_in_every_namespace(tmp_path):
    file = tmp_path / "sim.yaml"
    file.write_text("/**/sim:\n  ros__parameters:\n    camera_rat: 5.0\n")
    words = ["--ros-args", "-r", "__ns:=/left", "--params-file", str(file)]
    command = [sys.executable, "-m", "crl_robot.nodes.sim_node", *words]
    done = subprocess.run(
        command, env=os.environ | ENVIRONMENT | OTHER_DOMAIN, text=True, stderr=subprocess.PIPE, timeout=DEADLINE_S
    )
    assert done.returncode == 2
    assert "camera_rate" in done.stderr
