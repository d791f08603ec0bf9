"""The session node in this process, with a recorder and an arm that the test plays."""

import json
import os
import time

import pytest

pytest.importorskip("rclpy")

import rclpy
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import Joy
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from crl_data.nodes.joy_topics import JOY_PUBLISHER_QOS
from crl_data.nodes.session import SessionNode
from crl_data.teleop.command import Command
from crl_robot.nodes.messages import LATCHED_QOS

pytestmark = pytest.mark.ros
DEADLINE_S = 20.0


class Peers:
    """Serves what a recorder serves and notes it; publishes the status of recorder and arm ten times a second."""

    def __init__(self):
        self.node = rclpy.create_node("peers")
        self.asked = []
        self.refusals = {}
        self.arm = True
        for name in ("start", "stop", "accept", "discard", "capture_goal"):
            self.node.create_service(Trigger, f"/recorder/{name}", lambda _, r, name=name: self.answer(name, r))
        self.node.create_service(SetBool, "/recorder/mark_success", self.mark)
        self.statuses = self.node.create_publisher(String, "/recorder/status", LATCHED_QOS)
        self.arms = self.node.create_publisher(String, "/arm/status", LATCHED_QOS)
        self.audits = self.node.create_publisher(String, "/recorder/audit", LATCHED_QOS)
        self.keys = self.node.create_publisher(Joy, "/session/keys", JOY_PUBLISHER_QOS)
        self.heard = []
        self.node.create_subscription(
            String, "/session/status", lambda msg: self.heard.append(json.loads(msg.data)), LATCHED_QOS
        )
        self.node.create_timer(0.1, self.publish)

    def publish(self):
        self.statuses.publish(String(data=json.dumps({"state": "idle", "steps": 3, "low_on_disk": False})))
        if self.arm:
            self.arms.publish(String(data=json.dumps({"mode": "holding", "reason": "waiting"})))

    def answer(self, name, response):
        self.asked.append(name)
        response.success, response.message = name not in self.refusals, self.refusals.get(name, "done")
        if name == "stop":
            self.audits.publish(String(data=json.dumps({"verdict": "good", "reasons": [], "steps": 3, "seconds": 1.0})))
        return response

    def mark(self, request, response):
        self.asked.append(("mark_success", request.data))
        response.success = True
        return response


class Bench:
    def __init__(self, *parameters):
        flags = [part for parameter in ("reset:=none", *parameters) for part in ("-p", parameter)]
        rclpy.init(args=["--ros-args", *flags], domain_id=1 + os.getpid() % 99)
        self.session = SessionNode()
        self.peers = Peers()
        self.executor = SingleThreadedExecutor()
        for node in (self.session, self.peers.node):
            self.executor.add_node(node)
        self.session.autostart()

    def until(self, condition, what="it"):
        deadline = time.monotonic() + DEADLINE_S
        while not (value := condition()):
            assert time.monotonic() < deadline, f"{what} did not come; {self.peers.heard[-1:]} {self.peers.asked}"
            self.executor.spin_once(timeout_sec=0.05)
        return value

    def state_is(self, state):
        self.until(lambda: self.peers.heard and self.peers.heard[-1]["state"] == state, state)

    def call(self, name):
        client = self.peers.node.create_client(Trigger, f"/session/{name}")
        self.until(client.service_is_ready, name)
        future = client.call_async(Trigger.Request())
        self.until(future.done, name)
        return future.result()

    def close(self):
        self.session.leave()
        self.executor.shutdown()
        for node in (self.session, self.peers.node):
            node.destroy_node()
        rclpy.try_shutdown()


@pytest.fixture
def bench():
    made = []

    def make(*parameters):
        made.append(Bench(*parameters))
        made[-1].state_is("ready")
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_services_lead_through_an_episode_and_the_node_is_finished(bench):
    rig = bench("episodes:=1")
    assert not rig.call("keep").success
    for name, state in (("start", "recording"), ("next", "review")):
        assert rig.call(name).success
        rig.state_is(state)
    assert rig.call("success").success
    rig.until(lambda: rig.peers.heard[-1]["success"] is True and rig.peers.heard[-1]["buttons"])
    assert rig.peers.heard[-1]["audit"]["verdict"] == "good"
    assert rig.call("next").success
    rig.until(lambda: rig.session.finished)
    assert rig.peers.asked == ["start", "stop", ("mark_success", True), "accept"]
    assert rig.session.failure is None


def test_a_service_called_out_of_turn_says_what_is_possible(bench):
    answer = bench().call("stop")
    assert not answer.success
    assert answer.message == "not in state ready; possible: start, drop, goal"


def test_keys_of_the_keyboard_lead_through_an_episode(bench):
    rig = bench("layout:=xbox")

    def tap(*names):
        for pressed in (frozenset(), frozenset(names), frozenset()):
            axes, buttons = Command(pressed=pressed).to_plain()
            rig.peers.keys.publish(Joy(axes=axes, buttons=buttons))
            for _ in range(5):
                rig.executor.spin_once(timeout_sec=0.02)

    rig.until(lambda: rig.peers.keys.get_subscription_count() == 1, "the session's ear")
    rig.until(lambda: (tap("start", "stop"), "start" in rig.peers.asked)[1], "start")
    rig.until(lambda: (tap("drop"), "discard" in rig.peers.asked)[1], "drop")
    rig.state_is("ready")


def test_a_recorder_that_refuses_is_told_of_and_asked_again(bench):
    rig = bench()
    rig.peers.refusals["start"] = "no image yet"
    rig.call("start")
    rig.until(lambda: "no image yet" in rig.peers.heard[-1]["note"])
    rig.peers.refusals.clear()
    rig.call("start")
    rig.state_is("recording")


def test_a_service_that_nobody_serves_is_a_refusal_and_not_a_hang(bench):
    rig = bench()
    gone = next(service for service in rig.peers.node.services if service.srv_name == "/recorder/start")
    rig.peers.node.destroy_service(gone)
    client = rig.peers.node.create_client(Trigger, "/recorder/start")
    rig.until(lambda: not client.service_is_ready())
    rig.call("start")
    rig.until(lambda: "not started: /recorder/start does not answer" in rig.peers.heard[-1]["note"])


def test_a_service_that_is_found_late_is_waited_for(bench):
    """The scene's reset was refused when the simulation's topics were found before its services."""
    rig = bench()
    gone = next(service for service in rig.peers.node.services if service.srv_name == "/recorder/start")
    rig.peers.node.destroy_service(gone)
    client = rig.peers.node.create_client(Trigger, "/recorder/start")
    rig.until(lambda: not client.service_is_ready())
    rig.call("start")
    rig.peers.node.create_service(Trigger, "/recorder/start", lambda _, r: rig.peers.answer("start", r))
    rig.state_is("recording")


def test_losing_the_arm_stops_the_recording_and_then_fails(bench):
    rig = bench("peer_timeout_s:=2.0")
    rig.call("start")
    rig.state_is("recording")
    rig.peers.arm = False
    rig.until(lambda: rig.session.failure is not None, "the failure")
    assert rig.peers.asked == ["start", "stop"]
    assert "lost the arm" in str(rig.session.failure)
    rig.state_is("failed")
