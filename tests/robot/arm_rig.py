"""The arm node as a process, emulated hardware in this one, and a client that sees what any other node sees."""

import json
import time
from contextlib import contextmanager

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped, TwistStamped
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, Float64, String
from std_srvs.srv import SetBool, Trigger

from crl_robot.contracts import Action
from crl_robot.graph import Graph, GraphError, NodeCommand
from crl_robot.nodes.graph_client import GraphClient
from crl_robot.nodes.messages import (
    ACTION_QOS,
    COMMANDED_QOS,
    LATCHED_QOS,
    STATE_QOS,
    msg_from_action,
)

START_S, DEADLINE_S = 60.0, 15.0


class ArmClient(GraphClient):
    """Keeps what the node publishes, sends what it takes."""

    def __init__(self, env, check):
        super().__init__("client", env, check)
        self.got = {}
        for topic, kind, qos in [
            ("joint_states", JointState, STATE_QOS),
            ("arm/pose", PoseStamped, STATE_QOS),
            ("arm/commanded", JointState, COMMANDED_QOS),
            ("arm/status", String, LATCHED_QOS),
            ("arm/estopped", Bool, LATCHED_QOS),
            ("robot_description", String, LATCHED_QOS),
            ("/diagnostics", DiagnosticArray, 10),
        ]:
            self.got[topic] = []
            self.node.create_subscription(kind, topic, self.got[topic].append, qos)
        self.publishers = {
            topic: self.node.create_publisher(kind, topic, qos)
            for topic, kind, qos in [
                ("arm/action", JointState, ACTION_QOS),
                ("arm/twist", TwistStamped, 10),
                ("arm/gripper", Float64, 10),
                ("arm/deadman", Bool, 10),
                ("arm/estop_input", Bool, LATCHED_QOS),
            ]
        }

    def ready(self):
        """Wait until the node is there and every publisher is heard."""
        self.wait(lambda: self.status() and self.got["joint_states"], START_S, "status and joints")
        self.until(lambda: all(p.get_subscription_count() for p in self.publishers.values()), "subscription")

    def until(self, condition, what="change"):
        self.wait(condition, DEADLINE_S, lambda: f"{what}; the status is {self.status()}")

    def send(self, topic, msg):
        self.publishers[topic].publish(msg)

    def ask(self, name, request=None):
        client = self.node.create_client(SetBool if request else Trigger, name)
        return self._result(client, request or Trigger.Request())

    def enable(self, on=True):
        return self.ask("arm/enable", SetBool.Request(data=on))

    def take(self, transition):
        client = self.node.create_client(ChangeState, "arm/change_state")
        return self._result(client, ChangeState.Request(transition=Transition(id=transition))).success

    def act(self, *values, publisher=None):
        padded = np.zeros(7)
        padded[: len(values)] = values
        sender = "/rig" if publisher is None else "/other"  # Jazzy tells sources apart by what they say alone
        message = msg_from_action(Action(padded, time.time_ns()), sender)
        (publisher or self.publishers["arm/action"]).publish(message)

    def twist(self, frame="", **linear):
        msg = TwistStamped()
        msg.header.frame_id = frame
        for axis, speed in linear.items():
            setattr(msg.twist.linear, axis, speed)
        self.send("arm/twist", msg)

    def status(self):
        return json.loads(self.got["arm/status"][-1].data) if self.got["arm/status"] else {}

    def mode(self):
        return self.status()["mode"]

    def count(self, event):
        return self.status()["counters"].get(event, 0)

    def joints(self):
        return np.array(self.got["joint_states"][-1].position)

    def height(self):
        return self.got["arm/pose"][-1].pose.position.z

    def sleep(self, seconds, every=None):
        """Take in messages for so long, and do ``every`` each 20 ms."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if every is not None:
                every()
            tick = min(end, time.monotonic() + 0.02)
            self.wait(lambda tick=tick: time.monotonic() >= tick, DEADLINE_S, "time")

    def _result(self, client, request):
        self.until(client.service_is_ready, "service")
        future = client.call_async(request)
        self.until(future.done, "answer")
        self.node.destroy_client(client)
        return future.result()


@contextmanager
def running(folder, **parameters):
    """The node with these parameters, and a client of it."""
    command = NodeCommand("arm", "crl_robot.nodes.arm_node", "ros/arm.yaml", parameters)
    with Graph([command], folder) as graph, ArmClient(graph.env, graph.check) as client:
        client.graph = graph
        yield client


def end_of(folder, **parameters):
    """The GraphError that tells how a node ended by itself: exit code and last words."""
    command = NodeCommand("arm", "crl_robot.nodes.arm_node", "ros/arm.yaml", parameters)
    end = time.monotonic() + START_S
    with Graph([command], folder) as graph:
        try:
            while time.monotonic() < end:
                graph.check()
                time.sleep(0.05)
        except GraphError as error:
            return error
    raise AssertionError(f"the node still runs after {START_S} s")
