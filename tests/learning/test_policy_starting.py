"""In which order the policy node answers requests that waited together."""

import pytest

pytest.importorskip("rclpy")

from crl_learning.nodes.policy_starting import Starting


def test_of_requests_that_waited_together_those_that_stop_come_last():
    """A node that hung and was asked to resume, then to pause, paused first and acted afterwards."""
    names = list(Starting.__new__(Starting).services)
    begin, end = ("start", "step", "resume"), ("pause", "stop", "hand_over")
    assert max(map(names.index, begin)) < min(map(names.index, end))
