"""Before and in the midst of runs of the simulated arm: enable, start pose, hand-over to teleoperation and back."""

import json

import numpy as np
import pytest
from PIL import Image as Picture

pytest.importorskip("rclpy")

from sensor_msgs.msg import JointState, Joy
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from crl_data.nodes.joy_topics import JOY_PUBLISHER_QOS, JOY_TOPIC
from crl_data.teleop.command import BUTTONS
from crl_robot.graph import Graph, NodeCommand
from crl_robot.kinematics import WX250S
from crl_robot.nodes.graph_client import GraphClient
from crl_robot.nodes.messages import COMMANDED_QOS, LATCHED_QOS, STATE_QOS

pytestmark = [pytest.mark.ros, pytest.mark.slow]

SECONDS = 120.0
PATIENT = {"max_age_ms": 2000.0, "align_ms": 2000.0}
"""The machine may be busy."""
START = (1.2, *WX250S.home[1:])


class Operator(GraphClient):
    """Hears policy, arm and teleoperation, and holds a joystick."""

    def __init__(self, graph):
        super().__init__("operator", graph.env, graph.check)
        self.heard = {f"{name}/status": {} for name in ("policy", "arm", "teleop")}
        for topic in self.heard:
            self.node.create_subscription(String, topic, self._keep(topic), LATCHED_QOS)
        self.moved, self.joints, self.stick = [], np.zeros(6), 0.0
        self.node.create_subscription(JointState, "arm/commanded", lambda m: self.moved.append(m), COMMANDED_QOS)
        self.node.create_subscription(JointState, "joint_states", self._on_joints, STATE_QOS)
        self._joys = self.node.create_publisher(Joy, JOY_TOPIC, JOY_PUBLISHER_QOS)
        self.node.create_timer(0.05, self._press)

    def _keep(self, topic):
        return lambda msg: self.heard.update({topic: json.loads(msg.data)})

    def _on_joints(self, msg):
        self.joints = np.array(msg.position[:6])

    def _press(self):
        held = [int(bool(self.stick) and name == "deadman") for name in BUTTONS]
        self._joys.publish(Joy(axes=[0.0, self.stick, 0.0, 0.0, 0.0, 0.0], buttons=held))

    def until(self, what, **wanted):
        def there():
            return bool(self.heard[what]) and all(self.heard[what].get(key) == value for key, value in wanted.items())

        self.wait(there, SECONDS, lambda: f"{what} with {wanted}; it is {self.heard[what]}")

    def trigger(self, name):
        client = self.node.create_client(Trigger, name)
        self.wait(client.service_is_ready, SECONDS, name)
        return self.call(client, Trigger.Request())

    def enable(self, wanted):
        client = self.node.create_client(SetBool, "arm/enable")
        self.wait(client.service_is_ready, SECONDS, "arm/enable")
        self.succeed(client, SetBool.Request(data=wanted))


@pytest.fixture
def goal_file(tmp_path):
    path = tmp_path / "goal.png"
    Picture.fromarray(np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)).save(path)
    return str(path)


def graph_of(tmp_path, *more, enabled=True, **policy):
    acting = {"checkpoint": "null"} | PATIENT | policy
    commands = [
        NodeCommand("sim", "crl_robot.nodes.sim_node", "ros/sim.yaml", {"enable_on_start": enabled}),
        NodeCommand("policy", "crl_learning.nodes.policy_node", "ros/policy.yaml", acting),
        *more,
    ]
    return Graph(commands, tmp_path / "log")


def test_teleoperation_takes_an_arm_that_was_handed_over_and_the_policy_takes_it_back(tmp_path, goal_file):
    teleop = NodeCommand(
        "teleop", "crl_data.nodes.teleop_node", "ros/teleop.yaml", {"layout": "plain", "max_age_ms": 2e3}
    )
    with graph_of(tmp_path, teleop, goal=goal_file) as graph, Operator(graph) as operator:
        operator.until("policy/status", state="running")
        operator.stick = 1.0
        operator.wait(
            lambda: "policy publishes" in operator.heard["teleop/status"].get("reason", ""), SECONDS, "teleop"
        )
        run = operator.heard["policy/status"]["run"]

        assert operator.trigger("policy/hand_over").success
        operator.until("policy/status", state="handed_over", commands_arm=False, run=run)
        operator.until("teleop/status", state="acting")
        operator.moved.clear()
        operator.wait(lambda: sum(m.position[1] > 0.001 for m in operator.moved) > 3, SECONDS, "motion by hand")
        refused = operator.trigger("policy/resume")
        assert not refused.success
        assert "somebody else still moves the arm" in refused.message

        operator.stick = 0.0
        operator.until("arm/status", mode="holding")
        assert operator.trigger("policy/resume").success
        operator.until("policy/status", state="running", commands_arm=True, run=run)
        operator.moved.clear()
        operator.wait(lambda: len(operator.moved) > 3, SECONDS, "actions of the policy")
        assert all(abs(m.position[1]) < 1e-6 for m in operator.moved[1:])  # this policy never moves


def test_a_run_that_reached_its_goal_hands_over_by_itself(tmp_path):
    settings = {"checkpoint": "models/reach", "when_reached": "hand_over", "start_on_activate": False, "checks": "warn"}
    with graph_of(tmp_path, **settings) as graph, Operator(graph) as operator:
        operator.until("policy/status", state="ready")
        operator.wait(lambda: operator.trigger("policy/capture_goal").success, SECONDS, "goal")
        assert operator.trigger("policy/start").success
        operator.until("policy/status", state="handed_over", commands_arm=False)
        assert "reached" in operator.heard["policy/status"]["reason"]
        assert operator.trigger("policy/stop").success
        operator.until("policy/status", state="ended")


def test_the_arm_goes_to_the_start_pose_after_the_enable_and_only_then_the_run_begins(tmp_path, goal_file):
    settings = {"start_pose": ",".join(map(str, START)), "goal": goal_file, "start_on_activate": False}
    with graph_of(tmp_path, enabled=False, **settings) as graph, Operator(graph) as operator:
        operator.until("policy/status", state="ready")
        operator.until("arm/status", mode="disabled")
        assert "call /arm/enable" in operator.trigger("policy/start").message
        operator.until("policy/status", state="preparing")
        before = operator.joints.copy()
        operator.enable(True)
        operator.until("arm/status", mode="moving", reason="homing")

        assert operator.trigger("policy/stop").success  # given up on the way: the arm holds, and no run begins
        operator.until("arm/status", mode="disabled")
        operator.until("policy/status", state="ready", reason="given up by the operator")
        assert abs(operator.joints[0] - START[0]) > 0.2

        assert operator.trigger("policy/start").success
        operator.enable(True)
        operator.until("policy/status", state="running")
        assert operator.heard["arm/status"]["counters"]["homed"] == 1
        assert np.abs(operator.joints - START).max() < 0.1 < np.abs(before - START).max()


def test_a_dry_run_moves_to_no_start_pose_and_waits_for_no_enable(tmp_path, goal_file):
    settings = {"start_pose": "home", "goal": goal_file, "dry_run": True}
    with graph_of(tmp_path, enabled=False, **settings) as graph, Operator(graph) as operator:
        operator.until("policy/status", state="running")
        assert operator.heard["arm/status"]["mode"] == "disabled"
        assert "homed" not in operator.heard["arm/status"]["counters"]
