"""From velocities to Actions, on a clock that passes by hand."""

import numpy as np
import pytest

pytest.importorskip("rclpy")

from geometry_msgs.msg import TwistStamped, Vector3

from crl_robot.contracts import ActionSpec
from crl_robot.errors import ArmError, ContractError
from crl_robot.geometry import matrix_from_rpy
from crl_robot.nodes.twist import TwistCommands, delta_from_velocity, velocity_from_msg

pytestmark = pytest.mark.ros

MS = 1_000_000
UP = np.array([0.0, 0, 0.1, 0, 0, 0])


class Clocked:
    """Asks every 20 ms, as an arm's inner loop does; ``given`` are the Actions with their times in ms."""

    def __init__(self, rate_hz=5.0):
        self.commands = TwistCommands(ActionSpec(rate_hz=rate_hz), 10 * MS)
        self.now_ms, self.given, self.ends = 0, [], []

    def run(self, ms, velocity=None, source="a"):
        """Pass time; a velocity is sent every 20 ms."""
        end_ms = self.now_ms + ms
        while self.now_ms < end_ms:
            if velocity is not None:
                self.commands.take(velocity, source, self.now_ms * MS, self.now_ms * MS)
            if reason := self.commands.ended(self.now_ms * MS):
                self.ends.append((self.now_ms, reason))
            action = self.commands.due(0.5, self.now_ms * MS)
            if action is not None:
                self.given.append((self.now_ms, action))
            self.now_ms += 20

    def times(self):
        return [ms for ms, _ in self.given]


@pytest.fixture
def clocked():
    return Clocked()


def msg(frame="", **linear):
    out = TwistStamped()
    out.header.frame_id = frame
    out.twist.linear = Vector3(**linear)
    return out


def test_a_stream_of_twists_becomes_actions_at_the_control_rate(clocked):
    clocked.run(1000, UP)
    assert clocked.times() == [0, 200, 400, 600, 800]
    action = clocked.given[-1][1]
    np.testing.assert_allclose(action.values, [0, 0, 0.02, 0, 0, 0, 0.5], atol=1e-7)
    assert action.stamp_ns == 800 * MS


def test_actions_come_no_faster_than_the_control_rate_when_the_twist_comes_and_goes(clocked):
    for _ in range(20):
        clocked.run(20, UP)
        clocked.run(20, np.zeros(6))
    assert np.diff(clocked.times()).min() >= 180


def test_a_control_period_that_is_no_multiple_of_the_inner_one_is_kept_on_average():
    clocked = Clocked(rate_hz=1000 / 130)
    clocked.run(13_000, UP)
    assert len(clocked.given) == 100


def test_silence_ends_the_motion_after_a_tenth_of_a_second_once(clocked):
    clocked.run(300, UP)
    clocked.run(1000)
    assert clocked.ends == [(400, "no twist for 0.1 s")]
    assert clocked.times() == [0, 200]


def test_a_zero_twist_ends_the_motion_at_once_and_gives_no_actions(clocked):
    clocked.run(300, UP)
    clocked.run(1000, np.zeros(6))
    assert clocked.ends == [(300, "the twist is zero")]
    assert clocked.times() == [0, 200]


def test_zero_twists_alone_end_nothing(clocked):
    clocked.run(1000, np.zeros(6))
    assert not clocked.ends
    assert not clocked.given


def test_a_refused_action_is_tried_again_a_period_later(clocked):
    clocked.run(20, UP)
    clocked.commands.refused()
    clocked.run(200, UP)
    assert clocked.times() == [0, 200]


def test_the_end_of_twists_that_were_refused_ends_no_motion(clocked):
    """It would be that of whoever has the arm."""
    clocked.run(20, UP)
    clocked.commands.refused()
    clocked.run(60, UP)
    clocked.run(1000)
    assert clocked.times() == [0]
    assert not clocked.ends


def test_after_a_drop_the_arm_moves_only_by_a_new_twist(clocked):
    """A refused message once made the arm hold for a tick, and the twist before it then moved it on."""
    clocked.run(100, UP)
    clocked.commands.drop()
    clocked.run(400)
    assert (clocked.times(), clocked.ends) == ([0], [])
    clocked.run(40, UP)
    assert len(clocked.given) == 2


def test_another_source_is_refused_while_the_first_moves_the_arm(clocked):
    clocked.run(100, UP, "a")
    with pytest.raises(ArmError, match="another source"):
        clocked.commands.take(UP, "b", 0, 100 * MS)
    clocked.run(20, np.zeros(6), "a")
    clocked.commands.take(UP, "b", 0, 120 * MS)


def test_an_idle_source_that_sends_zeros_does_not_stop_the_one_that_moves_the_arm(clocked):
    clocked.run(100, UP, "a")
    clocked.commands.take(np.zeros(6), "b", 0, 100 * MS)
    clocked.run(200, UP, "a")
    assert not clocked.ends


def test_an_opening_goes_with_the_next_action_or_makes_one_that_stays_in_place(clocked):
    clocked.commands.take_gripper(1.5, 7)
    clocked.run(200)
    action = clocked.given[0][1]
    np.testing.assert_allclose(action.values, [0, 0, 0, 0, 0, 0, 1.0])
    assert action.stamp_ns == 7
    assert len(clocked.given) == 1
    assert not clocked.ends
    clocked.commands.take_gripper(0.0, 8)
    clocked.run(200, UP)
    action = clocked.given[-1][1]
    assert action.values[2] > 0
    assert action.values[6] == 0.0


def test_an_opening_that_is_not_a_number_is_refused(clocked):
    with pytest.raises(ContractError, match="expected 0"):
        clocked.commands.take_gripper(np.nan, 0)


def test_the_turn_of_an_action_is_the_turn_of_the_twist():
    """R' = Rz Ry Rx R must be the rotation about the angular velocity's axis, however the angles come out."""
    velocity = np.array([0, 0, 0, 0.6, -0.5, 0.9])
    half = matrix_from_rpy(delta_from_velocity(velocity, 0.1)[3:])
    whole = matrix_from_rpy(delta_from_velocity(velocity, 0.2)[3:])
    np.testing.assert_allclose(half @ half, whole, atol=1e-12)
    np.testing.assert_allclose(whole @ velocity[3:], velocity[3:], atol=1e-12)


@pytest.mark.parametrize("frame", ["", "base_link"])
def test_a_twist_is_read_in_the_base_frame(frame):
    np.testing.assert_allclose(velocity_from_msg(msg(frame, x=0.1, z=-0.2)), [0.1, 0, -0.2, 0, 0, 0])


@pytest.mark.parametrize(("wrong", "words"), [(msg("tool"), "expected 'base_link'"), (msg(x=float("nan")), "finite")])
def test_a_twist_in_another_frame_or_with_nan_is_refused(wrong, words):
    with pytest.raises(ContractError, match=words):
        velocity_from_msg(wrong)
