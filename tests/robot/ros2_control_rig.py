"""Waiting for the fake controllers of ros2_control, and for the driver on them."""

import time

import numpy as np
from fake_ros2_control import START as START_BY_NAME

from crl_robot.errors import ArmError

DEADLINE_S = 10.0
JOINTS = tuple(START_BY_NAME)
START = np.array(list(START_BY_NAME.values()))


def eventually(condition):
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def until_error(function, match):
    """Call until it raises ArmError; the first must match."""
    errors = []

    def raised():
        try:
            function()
        except ArmError as error:
            errors.append(str(error))
        return bool(errors)

    eventually(raised)
    assert match in errors[0]


def let_pass(robot, ticks):
    end = robot.ticks + ticks
    eventually(lambda: robot.ticks >= end)


def delivered(arm, robot):
    """Wait until the controllers have all that was sent."""
    eventually(lambda: robot.received == sum(arm.sent.values()))


def reads(arm):
    try:
        arm.read()
    except ArmError:
        return False
    return True
