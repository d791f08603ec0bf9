"""Lost frames and complete observations."""

import numpy as np
import pytest

from crl_robot.contracts import ArmState, Frame, JointReading, Pose
from crl_robot.streams import ObservationBuffer, SequenceTracker

MS = 1_000_000


def frame(stamp_ms):
    return Frame(np.zeros((4, 4, 3), np.uint8), stamp_ms * MS, stamp_ms * MS + MS)


def arm(stamp_ms):
    pose = Pose(np.zeros(3), np.array([1.0, 0, 0, 0]))
    return ArmState(JointReading(np.zeros(6), np.zeros(6), 0.0, stamp_ms * MS), pose, pose, 0.0, "moving")


def test_gaps_in_the_numbers_are_lost_messages_whatever_the_first_number():
    tracker = SequenceTracker()
    assert [tracker.update(n) for n in (7, 8, 11, 12)] == [0, 0, 2, 0]
    assert (tracker.received, tracker.lost) == (4, 2)


def test_a_late_message_is_not_lost_and_a_double_one_is_not_counted_twice():
    tracker = SequenceTracker()
    for number in (1, 4, 2, 4):
        tracker.update(number)
    assert tracker.lost == 1


def test_every_publisher_is_counted_on_its_own():
    tracker = SequenceTracker()
    for publisher, number in [(b"a", 5), (b"b", 1), (b"a", 6), (b"b", 3)]:
        tracker.update(number, publisher)
    assert tracker.lost == 1


def test_messages_without_a_number_are_said_to_be_unnumbered():
    tracker = SequenceTracker()
    tracker.update(None)
    assert (tracker.unnumbered, tracker.lost) == (1, 0)


@pytest.mark.parametrize("seed", range(3))
def test_received_and_lost_add_up_to_what_was_published(seed):
    rng = np.random.default_rng(seed)
    arrived = [0, *np.flatnonzero(rng.random(200) < 0.7)[1:].tolist(), 200]
    tracker = SequenceTracker()
    for number in arrived:
        tracker.update(number)
    assert tracker.received + tracker.lost == 201


def test_an_observation_is_complete_or_the_reason_is_given():
    buffer = ObservationBuffer(("a", "b"), tolerance_s=0.1)
    buffer.add_frame("a", frame(100), 1)
    assert buffer.observe(100 * MS) is None
    assert "'b'" in buffer.why_not(100 * MS)
    buffer.add_frame("b", frame(90), 1)
    assert "arm" in buffer.why_not(100 * MS)
    buffer.add_arm(arm(95))
    observation = buffer.observe(110 * MS)
    assert observation.newest_stamp_ns == 100 * MS
    assert observation.age_ms("b") == pytest.approx(20)


def test_old_frames_and_old_arm_states_make_no_observation():
    buffer = ObservationBuffer(("a",), tolerance_s=0.1)
    buffer.add_frame("a", frame(100), 1)
    buffer.add_arm(arm(100))
    assert buffer.observe(200 * MS) is not None
    assert "201" not in buffer.why_not(200 * MS)
    assert "camera 'a'" in buffer.why_not(201 * MS)
    buffer.add_frame("a", frame(200), 2)
    assert "arm state" in buffer.why_not(201 * MS)


def test_a_frame_that_arrives_late_does_not_replace_a_newer_one():
    buffer = ObservationBuffer(("a",), tolerance_s=1.0)
    buffer.add_arm(arm(100))
    buffer.add_frame("a", frame(100), 4)
    buffer.add_frame("a", frame(50), 2)
    assert buffer.observe(100 * MS).frames["a"].stamp_ns == 100 * MS
    assert buffer.lost == {"a": 0}
    assert buffer.received == {"a": 2}


def test_numbers_that_start_again_are_those_of_a_publisher_started_again():
    """Without the publisher's name a camera started again lost nothing, it seemed, until it passed its old count."""
    tracker = SequenceTracker()
    for number in (5000, 5001, 1, 2, 5):
        tracker.update(number)
    assert (tracker.received, tracker.lost) == (5, 2)


def test_after_the_clock_went_back_new_frames_replace_those_stamped_ahead():
    """The frame from before the jump stayed the newest and fresh, and the policy went on acting on it."""
    buffer = ObservationBuffer(("a",), tolerance_s=0.1)
    buffer.add_frame("a", frame(10_000), 1)
    buffer.add_arm(arm(10_000))
    assert "ahead" in buffer.why_not(1_000 * MS)
    buffer.add_frame("a", frame(1_000), 2)
    assert "arm state" in buffer.why_not(1_000 * MS)
    buffer.add_arm(arm(1_000))
    assert buffer.observe(1_001 * MS).frames["a"].stamp_ns == 1_000 * MS
