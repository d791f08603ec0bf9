"""What goes wrong on the way to a Sawyer, and how the driver tells it. Joints are never invented."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from crl_robot.emulators.rosbridge.sawyer import COMMAND, EmulatedSawyer
from crl_robot.emulators.rosbridge.server import RosbridgeServer
from crl_robot.errors import ArmError
from crl_robot.sawyer.arm import SawyerArm
from crl_robot.sawyer.model import NEUTRAL_Q
from crl_robot.sawyer.settings import SawyerSettings

STREAM = """
import itertools, sys, time
from crl_robot.sawyer.arm import SawyerArm
from crl_robot.sawyer.settings import SawyerSettings
arm = SawyerArm(SawyerSettings(port=int(sys.argv[1]), silence_s=1.0))
arm.enable()
target = arm.read().position.copy()
for k in itertools.count():
    target[0] = arm.read().position[0] + 0.4
    arm.command(target, 0.5)
    time.sleep(0.01)
"""


def test_silence_is_a_fault_and_no_reading_older_than_its_limit_is_ever_given(connect, server, until_error):
    arm = connect(SawyerSettings(silence_s=0.3))
    server.silent = True
    ages_s = []

    def read():
        asked_ns = time.time_ns()
        ages_s.append((asked_ns - arm.read().receive_stamp_ns) / 1e9)

    assert "silent for 0.3" in str(until_error(read))
    assert max(ages_s) <= 0.3


def test_a_silent_robot_is_neither_commanded_nor_told_to_hold(arm, server, robot, until_error):
    server.silent = True
    until_error(arm.read)
    commands = robot.commands
    for call in (lambda: arm.command(NEUTRAL_Q, 0.5), arm.hold):
        with pytest.raises(ArmError, match="silent"):
            call()
    assert robot.commands == commands


def test_readings_go_on_after_silence_but_the_motion_does_not(arm, server, robot, until_error, eventually):
    arm.command(NEUTRAL_Q + 0.3, 0.5)
    server.silent = True
    until_error(arm.read)
    commands = robot.commands
    server.silent = False
    eventually(lambda: _reads(arm))
    for _ in range(10):
        arm.read()
    arm.round_trip_ms()
    assert robot.commands == commands
    eventually(lambda: not robot.following)


def test_a_silent_state_forbids_motion_while_joints_go_on(connect, robot, until_error):
    arm = connect(SawyerSettings(silence_s=1.0, state_silence_s=0.3))
    arm.enable()
    robot.mute = {"/robot/state"}
    assert "state were silent" in str(until_error(lambda: arm.command(NEUTRAL_Q, 0.5)))
    arm.read()


def test_a_cut_connection_is_a_fault_of_everything_and_stays(arm, server, robot, until_error, eventually):
    arm.command(NEUTRAL_Q + 0.3, 0.5)
    server.cut()
    assert "was cut" in str(until_error(arm.read))
    for call in (lambda: arm.command(NEUTRAL_Q, 0.5), arm.hold, arm.enable, lambda: arm.state):
        with pytest.raises(ArmError, match="was cut"):
            call()
    eventually(lambda: not robot.following)


def test_a_new_driver_connects_after_a_cut(arm, server, connect, until_error):
    server.cut()
    until_error(arm.read)
    arm.close()
    again = connect()
    np.testing.assert_allclose(again.read().position, NEUTRAL_Q, atol=0.01)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("null", "None.*expected finite"),
        ("text", "'0.1'.*expected finite"),
        ("short", "expected 9 numbers"),
        ("names", r"lack \['right_j2'\]"),
    ],
)
def test_a_wrong_message_is_an_error_until_a_good_one_comes(arm, robot, until_error, eventually, wrong, message):
    robot.wrong = wrong
    error = until_error(arm.read)
    assert error.args
    with pytest.raises(ArmError, match=message):
        raise error
    with pytest.raises(ArmError, match="not usable"):
        arm.command(NEUTRAL_Q, 0.5)
    robot.wrong = ""
    eventually(lambda: _reads(arm))


def test_a_robot_clock_that_was_set_back_is_a_fault_until_connected_again(arm, robot, connect, until_error):
    robot.wrong = "clock"
    assert "clock was set back" in str(until_error(arm.read))
    robot.wrong = ""
    with pytest.raises(ArmError, match="clock was set back"):
        arm.read()
    arm.close()
    connect().read()


def test_a_line_that_becomes_slow_is_a_fault(connect, server, until_error, eventually):
    arm = connect(SawyerSettings(silence_s=0.3))
    server.latency_s = 0.5
    until_error(arm.read)
    assert "on its way" in str(until_error(lambda: _only_late(arm)))


def test_stamps_are_on_our_clock_whatever_the_robots_says(server, connect):
    server.robot = EmulatedSawyer(clock_s=lambda: time.time() + 3600.0)
    arm = connect()
    reading = arm.read()
    assert 0 <= time.time_ns() - reading.stamp_ns < 1e9
    assert reading.stamp_ns <= reading.receive_stamp_ns
    assert arm.diagnostics()["clock_offset_ms"] == pytest.approx(-3600e3, abs=1e3)


def test_joints_of_other_names_are_refused_when_connecting(connect, robot):
    robot.wrong = "names"
    with pytest.raises(ArmError, match=r"Sawyer's joints.*lack \['right_j2'\].*expected"):
        connect(SawyerSettings(connect_timeout_s=0.5))


def test_a_bridge_without_a_robot_behind_it_is_refused_with_what_is_missing(connect, robot):
    robot.mute = set(robot.publishes)
    with pytest.raises(ArmError, match=r"state, joints, gripper.*ROS_MASTER_URI"):
        connect(SawyerSettings(connect_timeout_s=0.3))


def test_other_message_definitions_are_refused_with_what_rosbridge_says(connect, robot):
    robot.listens = {**robot.listens, COMMAND[0]: "std_msgs/Float64"}
    with pytest.raises(ArmError, match=r"rosbridge.*says error.*joint_command has type std_msgs/Float64"):
        connect()


def test_nobody_at_the_address_is_an_error_within_the_timeout():
    with RosbridgeServer(EmulatedSawyer()) as server:
        port = server.port
    start = time.monotonic()
    with pytest.raises(ArmError, match=f"no rosbridge at 127.0.0.1:{port}"):
        SawyerArm(SawyerSettings(port=port, connect_timeout_s=0.2))
    assert time.monotonic() - start < 2.0


def test_a_failed_connect_frees_the_robot_for_the_next(connect, robot):
    robot.mute = set(robot.publishes)
    with pytest.raises(ArmError, match="not enough"):
        connect(SawyerSettings(connect_timeout_s=0.2))
    robot.mute = set()
    connect().read()


def test_without_roslibpy_the_error_tells_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "roslibpy", None)
    with pytest.raises(ArmError, match="pip install 'roslibpy"):
        SawyerArm(SawyerSettings(port=9))


def test_the_arm_of_a_killed_process_stops_by_the_command_timeout(robot, server, eventually):
    driver = subprocess.Popen([sys.executable, "-c", STREAM, str(server.port)])
    try:
        eventually(lambda: robot.following, timeout_s=30.0)
        eventually(lambda: robot.joints()[0][0] > 0.05)
    finally:
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    killed_s = time.monotonic()
    eventually(lambda: not robot.following)
    assert time.monotonic() - killed_s < robot.timeout_s + 0.3
    eventually(lambda: np.abs(robot.joints()[1]).max() < 1e-3)
    assert robot.target[0] - robot.joints()[0][0] > 0.1, "it went on to its target"


def _reads(arm):
    try:
        arm.read()
    except ArmError:
        return False
    return True


def _only_late(arm):
    """Reads, and swallows what is said of silence."""
    try:
        arm.read()
    except ArmError as error:
        if "silent" not in str(error):
            raise
