"""The panels of the e-stop topic: each is heard, whatever it asks of the transport, and speaks for itself alone."""

import threading
import time

import pytest

pytest.importorskip("rclpy")

import rclpy
from controller_rig import Rig
from rclpy.qos import QoSProfile, ReliabilityPolicy
from std_msgs.msg import Bool

from crl_robot.errors import ArmError
from crl_robot.nodes import operator_topics
from crl_robot.nodes.messages import LATCHED_QOS
from crl_robot.nodes.operator_topics import EstopPanels, OperatorTopics
from crl_robot.nodes.publishers import publisher_of

pytestmark = pytest.mark.ros

VOLATILE = QoSProfile(depth=10)
BEST_EFFORT = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
DEADLINE_S = 10.0


class Graph:
    """An enabled arm with its operator's topics, and any number of panels, in one process."""

    def __init__(self):
        self.node, self.panels_node = rclpy.create_node("arm"), rclpy.create_node("panels")
        self.rig = Rig().enabled()
        self.told = []
        self.topics = OperatorTopics(
            self.node, threading.RLock(), self.rig.controller, lambda: self.told.append("estop")
        )

    def panel(self, qos=LATCHED_QOS):
        publisher = self.panels_node.create_publisher(Bool, "arm/estop_input", qos)
        matching = 3 if qos is LATCHED_QOS else 1 if qos is BEST_EFFORT else 2
        self.until(lambda: publisher.get_subscription_count() == matching)
        return publisher

    def until(self, condition):
        end = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < end, "not in time"
            rclpy.spin_once(self.node, timeout_sec=0.02)

    def spin(self, seconds=0.3):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            rclpy.spin_once(self.node, timeout_sec=0.02)

    def barred(self):
        try:
            self.topics.refuse_pressed()
        except ArmError:
            return True
        return False


@pytest.fixture
def graph():
    rclpy.init()
    graph = Graph()
    yield graph
    graph.node.destroy_node()
    graph.panels_node.destroy_node()
    rclpy.try_shutdown()


@pytest.mark.parametrize("qos", [LATCHED_QOS, VOLATILE, BEST_EFFORT], ids=["latched", "volatile", "best effort"])
def test_a_press_and_a_release_while_the_executor_is_busy_latch_the_estop(graph, qos):
    """A depth of 1 kept the release alone, and a volatile panel was not heard at all."""
    panel = graph.panel(qos)
    panel.publish(Bool(data=True))
    panel.publish(Bool(data=False))
    time.sleep(0.1)  # the busy executor
    graph.until(lambda: graph.rig.controller.mode == "estopped")
    graph.until(lambda: not graph.barred())
    assert graph.told == ["estop"]


def test_one_panel_does_not_release_what_another_one_has_pressed(graph, monkeypatch):
    names = set()
    monkeypatch.setattr(
        operator_topics, "publisher_of", lambda info: names.add(publisher_of(info)) or publisher_of(info)
    )
    one, other = graph.panel(), graph.panel(VOLATILE)
    one.publish(Bool(data=True))
    graph.until(graph.barred)
    other.publish(Bool(data=False))
    graph.spin()
    assert graph.barred()
    one.publish(Bool(data=False))
    if names != {""}:
        graph.until(lambda: not graph.barred())


def test_a_nameless_release_counts_only_while_there_is_one_panel():
    count = 2
    panels = EstopPanels(lambda: count)
    panels.take(True, "")
    panels.take(False, "")
    assert panels.pressed
    count = 1
    panels.take(False, "")
    assert not panels.pressed


def test_a_panel_that_was_started_anew_speaks_for_the_one_that_is_gone():
    count = 2
    panels = EstopPanels(lambda: count)
    panels.take(True, "old")
    panels.take(False, "new")
    assert panels.pressed
    count = 1
    panels.take(False, "new")
    assert not panels.pressed
