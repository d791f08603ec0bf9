"""The emulated arm in its process: a driver moves it, the log tells what it did, and faults reach it."""

import time

import numpy as np
import pytest

from crl_robot.bench.device import Device, DeviceError
from crl_robot.bench.judge import DEFAULT_BOX, judge_goals
from crl_robot.bench.known_arm import START_JOINTS
from crl_robot.errors import ArmError
from crl_robot.widowx.arm import WidowXArm
from crl_robot.widowx.servo_table import load_servo_table
from crl_robot.widowx.settings import ServoArmSettings

PATIENT = ServoArmSettings(watchdog_s=2.0, answer_s=0.3)
"""Waits long enough on a machine that is busy with other tests."""


@pytest.fixture(scope="module")
def device():
    pytest.importorskip("dynamixel_sdk")
    with Device((*START_JOINTS, 0.3)) as device:
        yield device


@pytest.fixture
def arm(device):
    arm = WidowXArm(str(device.port), load_servo_table("wx250s"), PATIENT)
    arm.enable()
    device.drain()
    yield arm
    device.do("faults", {"pulled": False})
    device.do("block", [])
    arm.close()


def swing(arm, ticks=20, step_rad=0.01, joint=0):
    middle = arm.read()
    for tick in range(ticks):
        arm.command(middle.position + step_rad * tick * (np.arange(6) == joint), middle.gripper)
        arm.read()


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "the emulated arm did not get there within 20 s"
        time.sleep(0.01)


def test_the_log_holds_the_goals_and_the_motion_of_a_driver(device, arm):
    before = device.do("angles")[0]
    swing(arm)
    wait_for(lambda: device.do("angles")[0] == pytest.approx(before + 0.19, abs=2e-3))
    log = device.drain()
    assert np.ptp(log.goal_joints[:, 0]) == pytest.approx(0.19, abs=4e-3)
    assert np.ptp(log.truth[:, 0]) == pytest.approx(0.19, abs=4e-3)
    assert judge_goals(log, DEFAULT_BOX) == []


def test_a_blocked_joint_stays_and_the_lead_of_its_goal_is_found(device, arm):
    device.do("block", [0])
    before = device.do("angles")[0]
    swing(arm, ticks=40)
    assert device.do("angles")[0] == before
    assert {finding.kind for finding in judge_goals(device.drain(), DEFAULT_BOX)} >= {"lead"}
    arm.hold()


def test_a_wild_driver_is_found_out(device, arm):
    """The driver refuses what the controller should never send; here one goal is written past both."""
    arm.command(arm.read().position, 0.5)
    arm._group.send({1: 3500})
    arm.read()
    assert {finding.kind for finding in judge_goals(device.drain(), DEFAULT_BOX)} >= {"jump", "lead"}
    arm.hold()


def test_a_pulled_cable_trips_the_watchdog_of_every_servo(device):
    arm = WidowXArm(str(device.port), load_servo_table("wx250s"), ServoArmSettings(answer_s=0.05))
    try:
        arm.enable()
        device.do("faults", {"pulled": True})
        wait_for(lambda: set(device.do("registers", "bus_watchdog").values()) == {255})
    finally:
        device.do("faults", {"pulled": False})
        arm.reset()
        arm.close()


def test_an_adapter_that_is_taken_out_comes_back_at_the_same_place(device):
    arm = WidowXArm(str(device.port), load_servo_table("wx250s"), PATIENT)
    device.do("unplug")
    with pytest.raises(ArmError):
        arm.read()
    arm.close()
    assert not device.port.exists()
    device.do("plug")
    WidowXArm(str(device.port), load_servo_table("wx250s"), PATIENT).close()


def test_a_device_that_is_gone_is_told():
    pytest.importorskip("dynamixel_sdk")
    with Device((*START_JOINTS, 0.3)) as gone:
        gone._process.kill()
        gone._process.join()
        with pytest.raises(DeviceError, match="ended"):
            gone.do("angles")
