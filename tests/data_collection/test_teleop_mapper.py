"""Commands as Actions: limits are never passed, a released dead-man gives none, held things stay held."""

import math

import numpy as np
import pytest

from crl_data.teleop.command import BUTTONS, Command
from crl_data.teleop.mapper import TeleopMapper, TeleopSettings
from crl_robot.contracts import Action, ActionSpec
from crl_robot.control.safety import SafetyLimits, clip_step
from crl_robot.errors import ConfigError, ContractError

DT = 0.2


def held(*twist, pressed=(), opening=None):
    padded = np.zeros(6)
    padded[: len(twist)] = twist
    return Command(padded, frozenset({"deadman", *pressed}), opening)


def mapper(limits=None, **settings):
    return TeleopMapper(ActionSpec(), limits or SafetyLimits(), TeleopSettings(**{"start_scale": 1.0} | settings))


def values(action):
    assert action is not None
    return action.values


@pytest.mark.parametrize("seed", range(20))
def test_no_command_whatsoever_passes_the_step_limits_or_the_speeds(seed):
    rng = np.random.default_rng(seed)
    limits = SafetyLimits(max_step_m=float(rng.uniform(0.001, 0.1)), max_step_rad=float(rng.uniform(0.01, 0.5)))
    settings = TeleopSettings(
        max_speed=float(rng.uniform(0.01, 2)),
        max_turn=float(rng.uniform(0.01, 5)),
        acceleration=float(rng.uniform(0.05, 20)),
        turn_acceleration=float(rng.uniform(0.05, 50)),
        frame=str(rng.choice(["base", "tool_yaw"])),
    )
    spec = ActionSpec(rate_hz=float(rng.uniform(2, 30)))
    teleop = TeleopMapper(spec, limits, settings)
    for _ in range(300):
        names = frozenset(str(name) for name in rng.choice(BUTTONS, rng.integers(0, 4)))
        command = Command(rng.uniform(-1, 1, 6), names | ({"deadman"} if rng.random() < 0.9 else set()))
        dt = float(rng.choice([1e-4, spec.period_s, 10.0]))
        teleop.press(command.pressed, command.deadman)
        action = teleop.step(command, dt, 7, float(rng.uniform(-1, 2)), float(rng.uniform(-7, 7)))
        if not command.deadman:
            assert action is None
            continue
        assert isinstance(action, Action)
        assert action.stamp_ns == 7
        delta = action.values[:6].astype(np.float64)
        np.testing.assert_array_equal(clip_step(delta, limits), delta)
        velocity = delta / spec.period_s
        assert np.linalg.norm(velocity[:3]) <= settings.max_speed * (1 + 1e-5)
        assert np.linalg.norm(velocity[3:]) <= settings.max_turn * (1 + 1e-5)
        assert 0 <= action.values[6] <= 1


def test_speed_changes_by_the_acceleration_and_no_faster():
    teleop = mapper(max_speed=0.2, acceleration=0.25)
    speeds = [values(teleop.step(held(1.0), DT, 0, 0.0))[0] / DT for _ in range(6)]
    np.testing.assert_allclose(speeds, [0.05, 0.1, 0.15, 0.2, 0.2, 0.2], rtol=1e-5)
    back = values(teleop.step(held(-1.0), DT, 0, 0.0))[0] / DT
    assert back == pytest.approx(0.15)


def test_letting_go_of_the_dead_man_gives_none_at_once_and_forgets_the_speed():
    teleop = mapper(acceleration=0.25)
    for _ in range(4):
        teleop.step(held(1.0), DT, 0, 0.0)
    assert teleop.step(Command(np.ones(6)), DT, 0, 0.0) is None
    assert values(teleop.step(held(1.0), DT, 0, 0.0))[0] == pytest.approx(0.05 * DT)


def test_with_the_clutch_pressed_motion_is_ignored_but_the_gripper_is_not():
    teleop = mapper(acceleration=100.0)
    teleop.step(held(1.0), DT, 0, 0.0)
    teleop.press(frozenset({"open"}), True)
    action = teleop.step(held(1.0, 1.0, pressed=["clutch"]), DT, 0, 0.0)
    assert values(action).tolist() == [0, 0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("bad", [{"dt_s": 0.0}, {"dt_s": math.nan}, {"opening": math.nan}, {"tool_yaw": math.inf}])
def test_arguments_that_are_no_numbers_are_refused(bad):
    arguments = {"dt_s": DT, "opening": 0.5, "tool_yaw": 0.0} | bad
    with pytest.raises(ContractError, match="expected finite"):
        mapper().step(held(1.0), stamp_ns=0, **arguments)


@pytest.mark.parametrize("twist", [[math.nan] * 6, [2.0] * 6, [0.0] * 5])
def test_a_twist_that_no_device_sends_is_no_command(twist):
    with pytest.raises(ContractError):
        Command(np.array(twist), frozenset({"deadman"}))


def test_a_button_nobody_knows_is_refused_with_the_nearest_one():
    with pytest.raises(ContractError, match="did you mean 'deadman'"):
        Command(pressed=frozenset({"deadmann"}))


def test_the_speed_scale_stays_between_a_tenth_and_one():
    teleop = mapper(start_scale=0.5, acceleration=100.0)
    teleop.press(frozenset({"faster"}), False)
    assert teleop.scale == pytest.approx(0.625)
    for _ in range(10):
        teleop.press(frozenset({"faster"}), False)
    assert teleop.scale == 1.0
    for _ in range(30):
        teleop.press(frozenset({"slower"}), False)
    assert teleop.scale == pytest.approx(0.1)
    assert values(teleop.step(held(1.0), DT, 0, 0.0))[0] == pytest.approx(0.1 * 0.2 * DT)


def test_a_stick_pushed_into_its_corner_is_no_faster_than_one_pushed_straight():
    teleop = mapper(acceleration=100.0)
    delta = values(teleop.step(held(1.0, 1.0), DT, 0, 0.0))
    assert np.linalg.norm(delta[:3]) == pytest.approx(0.2 * DT)


def test_a_delta_that_is_shortened_keeps_its_direction():
    teleop = mapper(limits=SafetyLimits(max_step_m=0.01), acceleration=100.0)
    delta = values(teleop.step(held(0.8, 0.4), DT, 0, 0.0))
    assert delta[0] == pytest.approx(0.01)
    assert delta[1] == pytest.approx(0.005)


def test_in_the_tools_frame_ahead_is_where_the_tool_looks():
    teleop = mapper(acceleration=100.0, frame="tool_yaw")
    delta = values(teleop.step(held(1.0, 0, 0, 1.0), DT, 0, 0.0, tool_yaw=math.pi / 2))
    np.testing.assert_allclose(delta[:6], [0, 0.04, 0, 0, 0.2, 0], atol=1e-6)


def test_the_gripper_keeps_the_opening_in_force_until_a_button_is_pressed():
    teleop = mapper()
    assert values(teleop.step(held(), DT, 0, 0.4))[6] == pytest.approx(0.4)
    assert values(teleop.step(held(), DT, 0, 0.9))[6] == pytest.approx(0.4)
    for button, opening in (("close", 0), ("toggle", 1), ("toggle", 0), ("open", 1)):
        teleop.press(frozenset({button}), True)
        assert values(teleop.step(held(), DT, 0, 0.4))[6] == opening


def test_gripper_buttons_pressed_with_the_dead_man_released_do_nothing_later():
    teleop = mapper()
    teleop.press(frozenset({"open"}), False)
    assert values(teleop.step(held(), DT, 0, 0.0))[6] == 0
    teleop.press(frozenset({"open"}), True)
    teleop.step(Command(), DT, 0, 0.0)
    assert values(teleop.step(held(), DT, 0, 0.0))[6] == 0


def test_an_analog_trigger_moves_the_gripper_only_once_it_moved_and_with_hysteresis():
    teleop = mapper()
    assert values(teleop.step(held(opening=1.0), DT, 0, 0.0))[6] == 0  # grasped before; the trigger is at rest
    assert values(teleop.step(held(opening=0.95), DT, 0, 0.0))[6] == 0
    assert values(teleop.step(held(opening=0.5), DT, 0, 0.0))[6] == pytest.approx(0.5)
    assert values(teleop.step(held(opening=0.55), DT, 0, 0.0))[6] == pytest.approx(0.5)
    assert values(teleop.step(held(opening=0.0), DT, 0, 0.0))[6] == 0


@pytest.mark.parametrize(
    ("name", "value"), [("max_speed", 0.0), ("acceleration", math.nan), ("start_scale", 2.0), ("frame", "tool")]
)
def test_settings_that_make_no_sense_are_refused(name, value):
    with pytest.raises(ConfigError, match=name):
        TeleopSettings(**{name: value})
