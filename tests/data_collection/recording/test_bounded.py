import threading

from crl_data.recording.bounded import BoundedQueue


def test_kinds_come_out_in_the_order_they_went_in():
    queue = BoundedQueue({"a": 2, "b": 2})
    for kind, item in (("a", 1), ("b", 2), ("a", 3)):
        assert queue.offer(kind, item)
    assert [queue.take() for _ in range(3)] == [("a", 1), ("b", 2), ("a", 3)]


def test_each_kind_has_its_own_bound_and_what_is_refused_is_counted():
    queue = BoundedQueue({"a": 1, "b": 5})
    assert [queue.offer("a", n) for n in range(3)] == [True, False, False]
    assert queue.offer("b", 0)
    assert queue.refused == {"a": 2}
    assert queue.waiting("a") == 1


def test_an_item_is_unfinished_until_the_next_is_asked_for():
    queue = BoundedQueue({"a": 5})
    queue.offer("a", 1)
    queue.take()
    assert (queue.waiting("a"), queue.unfinished("a")) == (0, 1)
    queue.close()
    assert queue.take() is None
    assert queue.unfinished("a") == 0


def test_a_closed_queue_takes_nothing_more_but_gives_what_it_has():
    queue = BoundedQueue({"a": 5})
    queue.offer("a", 1)
    queue.close()
    assert not queue.offer("a", 2)
    assert queue.take() == ("a", 1)
    assert queue.take() is None


def test_closing_wakes_whoever_waits():
    queue = BoundedQueue({"a": 5})
    got = []
    waiter = threading.Thread(target=lambda: got.append(queue.take()))
    waiter.start()
    queue.close()
    waiter.join(5)
    assert got == [None]


def test_an_abandoned_queue_has_nothing_unfinished():
    queue = BoundedQueue({"a": 5})
    queue.offer("a", 1)
    queue.abandon()
    assert queue.unfinished("a") == 0
    assert queue.take() is None
