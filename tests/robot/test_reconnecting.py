"""The arm that can be opened again, over drivers that can be unplugged."""

import numpy as np
import pytest

from crl_robot.contracts import Arm, JointReading
from crl_robot.errors import ArmError
from crl_robot.reconnecting import ReconnectingArm, connect_within


class Driver:
    """Notes what it is told; ``unplugged`` makes everything fail."""

    joint_names = ("a", "b")

    def __init__(self):
        self.told = []
        self.unplugged = self.closed = False

    def _note(self, what):
        self.told.append(what)
        if self.unplugged:
            raise ArmError("no such device")

    def read(self):
        self._note("read")
        return JointReading(np.zeros(2), np.zeros(2), 0.0, 1)

    def command(self, position, gripper):
        self._note("command")

    def hold(self):
        self._note("hold")

    def enable(self):
        self._note("enable")

    def reset(self):
        self._note("reset")

    def diagnostics(self):
        return {"driver": id(self)}

    def close(self):
        self.closed = True


class Plug:
    """Opens drivers, or refuses."""

    def __init__(self):
        self.drivers, self.there, self.tried = [], True, 0

    def connect(self):
        self.tried += 1
        if not self.there:
            raise ArmError("is the adapter plugged in?")
        self.drivers.append(Driver())
        return self.drivers[-1]


@pytest.fixture
def plug():
    return Plug()


@pytest.fixture
def arm(plug):
    return ReconnectingArm(plug.connect(), plug.connect)


def test_it_is_an_arm(arm):
    assert isinstance(arm, Arm)


def test_a_driver_that_can_be_read_is_reset_and_kept(arm, plug):
    arm.reset()
    assert plug.drivers[0].told == ["read", "reset"]
    assert len(plug.drivers) == 1


def test_nothing_but_a_reset_opens_the_driver_again(arm, plug):
    plug.drivers[0].unplugged = True
    for call in (arm.read, arm.hold, arm.enable, lambda: arm.command(np.zeros(2), 0.0)):
        with pytest.raises(ArmError, match="no such device"):
            call()
    assert len(plug.drivers) == 1
    arm.reset()
    assert plug.drivers[0].closed
    assert plug.drivers[1].told == ["reset"]
    arm.read()


def test_a_device_that_is_still_away_is_said_to_be_and_can_be_reset_later(arm, plug):
    plug.drivers[0].unplugged, plug.there = True, False
    with pytest.raises(ArmError, match="plugged in"):
        arm.reset()
    with pytest.raises(ArmError, match="not connected: is the adapter plugged in"):
        arm.hold()
    plug.there = True
    arm.reset()
    arm.hold()
    assert plug.drivers[1].told == ["reset", "hold"]


def test_a_closed_arm_stays_closed(arm, plug):
    arm.close()
    arm.close()
    arm.hold()
    for call in (arm.read, arm.reset, arm.enable):
        with pytest.raises(ArmError, match="closed"):
            call()
    assert len(plug.drivers) == 1


def test_connecting_is_tried_again_as_long_as_there_is_patience(plug):
    plug.there = False
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        plug.there = len(slept) == 3

    connect_within(plug.connect, 10.0, clock=lambda: sum(slept), sleep=sleep)
    assert plug.tried == 4


def test_patience_ends_with_the_reason(plug):
    plug.there = False
    slept = []
    with pytest.raises(ArmError, match="plugged in"):
        connect_within(plug.connect, 1.0, clock=lambda: sum(slept), sleep=slept.append)
    assert sum(slept) == pytest.approx(1.0)


def test_nobody_waits_for_a_device_in_a_process_that_is_to_end(plug):
    plug.there = False
    with pytest.raises(ArmError, match="plugged in"):
        connect_within(plug.connect, 100.0, stopping=lambda: True)
    assert plug.tried == 1
