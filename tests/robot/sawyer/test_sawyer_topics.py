import json

import numpy as np
import pytest

from crl_robot.emulators.rosbridge.end_effector import EmulatedGripper
from crl_robot.emulators.rosbridge.power import Power
from crl_robot.emulators.rosbridge.readings import arm_message, fingers_message
from crl_robot.emulators.rosbridge.types import TYPES, mismatch
from crl_robot.errors import ArmError, ConfigError, ContractError
from crl_robot.sawyer import topics
from crl_robot.sawyer.clock import ClockOffset
from crl_robot.sawyer.model import JOINT_NAMES, NEUTRAL_Q
from crl_robot.sawyer.settings import SawyerSettings
from crl_robot.sawyer.state import parse_state

STAMP_NS = 1_700_000_000_123_456_789


def test_a_stamp_comes_back_from_ros_time_to_the_nanosecond():
    assert topics.from_ros_time(topics.to_ros_time(STAMP_NS)) == STAMP_NS


def test_joints_are_found_by_name_whatever_their_order():
    message = arm_message(STAMP_NS, NEUTRAL_Q, np.arange(7.0))
    for field in ("name", "position", "velocity"):
        message[field].reverse()
    sample = topics.parse_joint_states(message, JOINT_NAMES)
    assert sample is not None
    np.testing.assert_array_equal(sample.position, NEUTRAL_Q)
    np.testing.assert_array_equal(sample.velocity, np.arange(7.0))
    assert sample.source_ns == STAMP_NS


def test_a_message_of_the_fingers_alone_is_not_of_the_arm():
    assert topics.parse_joint_states(fingers_message(STAMP_NS, 0.01), JOINT_NAMES) is None


@pytest.mark.parametrize("field", ["name", "position", "velocity", "header"])
def test_joint_states_without_a_field_are_refused(field):
    message = arm_message(STAMP_NS, NEUTRAL_Q, np.zeros(7))
    del message[field]
    with pytest.raises(ContractError):
        topics.parse_joint_states(message, JOINT_NAMES)


def test_a_joint_command_fits_its_message_type():
    command = topics.joint_command(JOINT_NAMES, NEUTRAL_Q, STAMP_NS)
    assert not mismatch(TYPES["intera_core_msgs/JointCommand"], json.loads(json.dumps(command)))
    assert command["mode"] == 1


def test_a_gripper_command_comes_out_of_its_json_as_it_went_in():
    message = topics.gripper_command("position_m", "float", 0.0125, STAMP_NS)
    assert json.loads(message["args"]) == {"signals": {"position_m": {"format": {"type": "float"}, "data": [0.0125]}}}
    gripper = EmulatedGripper(0.04)
    assert not gripper.obey(message)
    sample = topics.parse_gripper(gripper.message(STAMP_NS, 0.02))
    assert (sample.position_m, sample.taken_ns) == (0.02, (STAMP_NS,))


@pytest.mark.parametrize("signals", [[], [{"name": "position_response_m", "data": "[null]"}], "none"])
def test_a_gripper_state_without_its_signals_is_refused(signals):
    with pytest.raises(ContractError, match="gripper"):
        topics.parse_gripper({"signals": signals, "commands": []})


def test_states_become_words_and_say_what_to_do():
    power = Power()
    assert "enable()" in parse_state(power.message()).refusal
    power.press()
    pressed = parse_state(power.message())
    assert (pressed.estop_button, pressed.estop_source) == ("pressed", "user")
    assert "release it" in pressed.refusal
    power.release()
    assert "latched (source: user)" in parse_state(power.message()).refusal
    power.reset()
    power.enable(True)
    power.error = True
    assert not parse_state(power.message()).refusal, "an enabled robot moves in spite of an error that is not fatal"
    power.enable(False)
    assert "own log" in parse_state(power.message()).refusal


@pytest.mark.parametrize(("field", "value"), [("estop_button", 9), ("enabled", "yes"), ("estop_source", None)])
def test_a_state_with_values_that_are_not_in_its_definition_is_refused(field, value):
    with pytest.raises(ContractError, match=field):
        parse_state({**Power().message(), field: value})


def test_the_clock_offset_is_that_of_the_fastest_message_of_the_window():
    clock = ClockOffset(window_s=1.0)
    for source_ms, delay_ms in ((0, 9), (10, 3), (20, 7)):
        clock.add(source_ms * 1_000_000, (source_ms + 5_000 + delay_ms) * 1_000_000)
    assert clock.offset_ns == 5_003_000_000
    clock.add(1_500_000_000, 1_500_000_000 + 5_008_000_000)
    assert clock.offset_ns == 5_008_000_000


def test_a_robot_clock_that_stands_still_is_refused():
    clock = ClockOffset()
    clock.add(10, 20)
    with pytest.raises(ArmError, match="clock"):
        clock.add(10, 30)


@pytest.mark.parametrize(
    "wrong", [{"host": ""}, {"port": 0}, {"speed_ratio": 0.0}, {"silence_s": float("nan")}, {"renew_s": 0.3}]
)
def test_settings_that_cannot_be_used_are_refused(wrong):
    with pytest.raises(ConfigError, match="expected"):
        SawyerSettings(**wrong)
