"""What the policy node shows of its goals."""

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="publishers are part of a node")

from crl_learning.goals.check import CheckedGoal
from crl_learning.nodes.policy_topics import PolicyTopics
from crl_learning.views import Views
from crl_robot.goal_image import GoalImage
from crl_robot.image_spec import ImageSpec
from crl_robot.nodes.messages import frame_from_msg


class FakePublisher:
    def __init__(self):
        self.heard = []

    def publish(self, msg):
        self.heard.append(msg)


class FakeNode:
    """Makes publishers by topic."""

    def __init__(self):
        self.publishers: dict[str, FakePublisher] = {}

    def create_publisher(self, kind, topic, qos):
        return self.publishers.setdefault(topic, FakePublisher())

    def now_ns(self):
        return 5


@pytest.mark.parametrize("shown", ["over_shoulder", "wrist"])
def test_a_goal_of_several_cameras_is_shown_of_each_under_one_stamp(shown):
    node, views = FakeNode(), Views(ImageSpec(), ("wrist",))
    picture = np.concatenate([np.full((240, 320, 3), value, np.uint8) for value in (10, 20)], axis=-1)
    stamp_ns = PolicyTopics(node, views, shown).show_goal(CheckedGoal(GoalImage(picture, (), ""), ()), picture)
    (other,) = {"over_shoulder", "wrist"} - {shown}
    assert [topic for topic in node.publishers if topic.startswith("policy/goal_native/")] == [
        f"policy/goal_native/{other}"
    ]
    for topic, camera in {"policy/goal_native": shown, f"policy/goal_native/{other}": other}.items():
        (msg,) = node.publishers[topic].heard
        frame = frame_from_msg(msg, 0)
        value = {"over_shoulder": 10, "wrist": 20}[camera]
        assert (frame.stamp_ns, frame.image.min(), frame.image.max()) == (stamp_ns, value, value)


def test_a_goal_of_one_camera_is_shown_once():
    node = FakeNode()
    PolicyTopics(node, Views(ImageSpec()), "over_shoulder")
    assert not [topic for topic in node.publishers if topic.startswith("policy/goal_native/")]
