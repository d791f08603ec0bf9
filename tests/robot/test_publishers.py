"""Which publisher a command comes from, where the middleware names it and where it does not (Jazzy)."""

import pytest

pytest.importorskip("rclpy")

from crl_robot.errors import RefusedError
from crl_robot.nodes.publishers import CommandTopic, source_of

pytestmark = pytest.mark.ros

NAMELESS = {"publication_sequence_number": 7}
NAMED = {**NAMELESS, "publisher_gid": {"data": [1, 2, 255]}}
MS = 1_000_000


class FakeGraph:
    """Has so many ``publishers`` on every topic."""

    def __init__(self, publishers):
        self.publishers, self.counted, self.now_ms = publishers, [], 0

    def resolve_topic_name(self, topic):
        return f"/crl/{topic}"

    def count_publishers(self, topic):
        self.counted.append(topic)
        return self.publishers

    def topic(self):
        return CommandTopic(self, "arm/action", lambda: self.now_ms * MS)


def test_a_source_is_its_frame_and_its_publisher_where_that_is_named():
    assert source_of("base_link", NAMED) == "base_link/0102ff"
    assert source_of("base_link", NAMELESS) == "base_link/"


def test_commands_of_nameless_publishers_are_refused_while_there_are_two():
    """On Jazzy a policy and a gamepad were one source, and their steps added up."""
    graph = FakeGraph(2)
    with pytest.raises(RefusedError, match="2 publishers are on 'arm/action'") as refused:
        graph.topic().require_told_apart(NAMELESS)
    assert refused.value.event == "second_source"
    assert graph.counted == ["/crl/arm/action"]


def test_the_only_publisher_needs_no_name_and_named_ones_may_be_many():
    FakeGraph(1).topic().require_told_apart(NAMELESS)
    graph = FakeGraph(2)
    graph.topic().require_told_apart(NAMED)
    assert not graph.counted


def test_publishers_are_counted_at_most_every_fifth_of_a_second():
    graph = FakeGraph(1)
    topic = graph.topic()
    for graph.now_ms in range(0, 200, 20):
        topic.require_told_apart(NAMELESS)
    assert len(graph.counted) == 1
    graph.publishers, graph.now_ms = 2, 200
    with pytest.raises(RefusedError):
        topic.require_told_apart(NAMELESS)
