"""Parts that arrive on several topics."""

from crl_robot.joining import StampJoiner


def joiner():
    return StampJoiner(("joints", "pose"))


def test_parts_of_one_stamp_are_joined_in_whatever_order_they_come():
    parts = joiner()
    assert parts.add("pose", 1, "p1") is None
    assert parts.add("joints", 2, "j2") is None
    assert parts.add("joints", 1, "j1") == ("j1", "p1")
    assert parts.add("pose", 2, "p2") == ("j2", "p2")
    assert (parts.completed, parts.waiting) == (2, 0)


def test_a_stamp_that_was_overtaken_waits_no_more():
    parts = joiner()
    parts.add("joints", 1, "j1")
    parts.add("joints", 2, "j2")
    assert parts.waiting == 2
    parts.add("pose", 2, "p2")
    parts.add("joints", 3, "j3")
    assert parts.waiting == 1


def test_parts_that_are_never_completed_do_not_fill_the_memory():
    parts = joiner()
    for stamp in range(1000):
        parts.add("joints", stamp, "j")
    assert parts.waiting <= 50
    assert parts.add("pose", 0, "p") is None
    assert parts.add("pose", 999, "p") == ("j", "p")
