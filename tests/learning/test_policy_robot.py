"""The policy node, in this process, and arms that say which robot they are."""

import json

import pytest

pytest.importorskip("rclpy")

import rclpy
from std_msgs.msg import String

from crl_learning.nodes.policy import PolicyNode
from crl_robot.contracts import ActionSpec
from crl_robot.errors import MismatchError

pytestmark = pytest.mark.ros


@pytest.fixture
def node():
    rclpy.init(args=["--ros-args", "-p", "checkpoint:=models/reach_sawyer"])
    node = PolicyNode()
    node.trigger_configure()
    yield node
    node.destroy_node()
    rclpy.try_shutdown()


def status(**more):
    return String(data=json.dumps({"mode": "holding", "reason": "", "action_spec": ActionSpec().to_dict(), **more}))


def test_a_policy_does_not_act_on_an_arm_that_is_another_robot(node):
    """A policy of Sawyer drove a WidowX: their Actions mean the same."""
    node._observations._on_status(status(robot="widowx250s"))
    assert isinstance(node.failure, MismatchError)
    assert "trained with data of 'sawyer', the robot is 'widowx250s'" in str(node.failure)


@pytest.mark.parametrize("named", [{"robot": "sawyer"}, {"robot": ""}, {}])
def test_a_policy_acts_on_its_own_robot_and_on_one_without_a_name(node, named):
    node._observations._on_status(status(**named))
    assert node.failure is None
    assert "declared" not in node._observations.why_not(0)
