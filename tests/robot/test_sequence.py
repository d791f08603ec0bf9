"""Lost messages."""

import numpy as np
import pytest

from crl_robot.sequence import SequenceTracker


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


def test_numbers_that_start_again_are_those_of_a_publisher_started_again():
    """Without the publisher's name a camera started again lost nothing, it seemed, until it passed its old count."""
    tracker = SequenceTracker()
    for number in (5000, 5001, 1, 2, 5):
        tracker.update(number)
    assert (tracker.received, tracker.lost) == (5, 2)


def test_a_publisher_counted_from_its_first_message_has_lost_all_before_the_first_arrival():
    tracker = SequenceTracker(first=1)
    tracker.update(4, b"a")
    tracker.update(1, b"b")
    assert (tracker.lost, tracker.received) == (3, 2)


def test_numbers_too_old_to_come_are_forgotten():
    tracker = SequenceTracker()
    for number in range(0, 10_000, 2):
        tracker.update(number)
    assert tracker.lost == 4_999
    assert len(tracker._missing[None]) <= 100
