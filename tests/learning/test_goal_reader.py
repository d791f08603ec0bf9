"""Goals are read beside the executor's thread, and answered on it."""

import threading
import time
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="the reader is part of a node")

from crl_learning.nodes.goal_reader import GoalReader
from crl_robot.errors import GoalImageError
from crl_robot.goal_image import GoalImage

DEADLINE_S = 30.0


class FakeExecutor:
    """Keeps what is to be done, as a node's executor does until it spins."""

    def __init__(self):
        self.tasks = []

    def create_task(self, do, *args):
        self.tasks.append(lambda: do(*args))

    def spin(self, count):
        deadline = time.monotonic() + DEADLINE_S
        while len(self.tasks) < count:
            assert time.monotonic() < deadline, "nothing was handed over"
            time.sleep(0.005)
        for task in self.tasks:
            task()
        self.tasks = []


class FakeNode:
    def __init__(self):
        self.executor = FakeExecutor()


class Desk:
    """A reader and what came of it."""

    def __init__(self):
        self.node: Any = FakeNode()
        self.taken, self.refused = [], []
        self.reader = GoalReader(self.node, self._take, lambda error: self.refused.append(str(error)))

    def _take(self, goal):
        if goal.source == "dark":
            raise GoalImageError("it shows nothing; take it in the usual light")
        self.taken.append(goal.source)


@pytest.fixture
def desk():
    desk = Desk()
    yield desk
    desk.reader.close()


def goal(source):
    return GoalImage(np.zeros((1, 1, 3), np.uint8), (), source)


def test_a_goal_is_read_elsewhere_and_taken_on_the_thread_that_spins(desk):
    threads = []

    def make():
        threads.append(threading.current_thread())
        return goal("photo")

    desk.reader.read(make)
    assert desk.taken == []
    desk.node.executor.spin(1)
    assert desk.taken == ["photo"]
    assert threads[0] is not threading.current_thread()


def test_what_cannot_be_read_or_is_not_taken_is_refused(desk):
    def broken():
        raise GoalImageError("it is cut short; send it again")

    desk.reader.read(broken)
    desk.node.executor.spin(1)
    desk.reader.read(lambda: goal("dark"))
    desk.node.executor.spin(1)
    assert ["cut short" in desk.refused[0], "shows nothing" in desk.refused[1]] == [True, True]
    assert desk.taken == []


def test_a_slow_goal_never_replaces_a_later_one(desk):
    ready = threading.Event()

    def slow():
        assert ready.wait(DEADLINE_S)
        return goal("slow")

    desk.reader.read(slow)
    desk.reader.read(lambda: goal("later"))
    ready.set()
    desk.node.executor.spin(2)
    assert desk.taken == ["later"]
    assert "a later goal" in desk.refused[0]


def test_a_captured_goal_comes_before_those_that_are_still_being_read(desk):
    desk.reader.read(lambda: goal("photo"))
    desk.reader.forget()
    desk.node.executor.spin(1)
    assert desk.taken == []
    assert len(desk.refused) == 1
