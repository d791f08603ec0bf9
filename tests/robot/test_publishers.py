"""Which publisher a command comes from, where the middleware names it and where it does not (Jazzy)."""

import pytest

pytest.importorskip("rclpy")

from crl_robot.nodes.publishers import source_of

pytestmark = pytest.mark.ros

NAMELESS = {"publication_sequence_number": 7}
NAMED = {**NAMELESS, "publisher_gid": {"data": [1, 2, 255]}}


def test_a_source_is_its_header_and_its_publisher_where_that_is_named():
    assert source_of("/policy", NAMED) == "/policy/0102ff"
    assert source_of("/policy", NAMELESS) == "/policy/"


def test_policy_and_teleoperation_are_two_sources_where_no_publisher_is_named():
    """On Jazzy a policy and a gamepad were one source, and their steps added up."""
    assert source_of("/policy", NAMELESS) != source_of("/teleop", NAMELESS)
