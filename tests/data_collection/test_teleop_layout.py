"""Joystick messages as Commands: shipped layouts, shaping, and everything that makes a message void."""

import math

import numpy as np
import pytest

from crl_data.teleop.command import AXES, BUTTONS, RELEASED, Command
from crl_data.teleop.inputs import JoyInput
from crl_data.teleop.layout import SHIPPED, load_layout, shaped
from crl_robot.errors import ConfigError, ContractError


def idle(layout):
    return [0.0] * layout.axis_count, [0] * layout.button_count


def pressed(layout, *names):
    axes, buttons = idle(layout)
    for name in names:
        buttons[layout.buttons[name]] = 1
    return axes, buttons


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_layout_has_all_axes_and_what_a_session_needs(name):
    layout = load_layout(name)
    assert set(layout.axes) == set(AXES)
    assert {"deadman", "clutch", "faster", "slower", "start", "stop", "keep", "drop", "success", "goal"} <= set(
        layout.buttons
    )
    assert {"toggle"} <= set(layout.buttons)
    assert not layout.read(*idle(layout)).twist.any()


@pytest.mark.parametrize("name", SHIPPED)
def test_no_two_motions_share_an_axis_and_only_start_and_stop_share_a_button(name):
    layout = load_layout(name)
    assert len({index for index, _ in layout.axes.values()}) == len(layout.axes)
    buttons = {key: index for key, index in layout.buttons.items() if key != "stop"}
    assert len(set(buttons.values())) == len(buttons)


def test_a_command_survives_the_way_over_plain_axes_and_buttons():
    rng = np.random.default_rng(0)
    layout = load_layout("plain")
    for _ in range(50):
        names = frozenset(str(n) for n in rng.choice(BUTTONS, rng.integers(0, 5)))
        command = Command(rng.uniform(-1, 1, 6), names)
        again = layout.read(*command.to_plain())
        np.testing.assert_allclose(again.twist, command.twist)
        assert again.pressed == command.pressed


def test_pushing_the_left_stick_of_an_xbox_pad_ahead_and_left_is_plus_x_and_plus_y():
    layout = load_layout("xbox")
    axes, buttons = pressed(layout, "deadman")
    axes[1], axes[0] = 1.0, 1.0
    command = layout.read(axes, buttons)
    assert command.twist.tolist() == [1.0, 1.0, 0, 0, 0, 0]
    assert command.deadman


def test_shaping_is_odd_monotonic_continuous_and_keeps_the_ends():
    values = np.linspace(-1, 1, 401)
    out = np.array([shaped(v, 0.1, 0.4) for v in values])
    np.testing.assert_allclose(out, -out[::-1], atol=1e-12)
    assert (np.diff(out) >= 0).all()
    assert np.abs(np.diff(out)).max() < 0.02
    assert (out[0], out[-1]) == (-1.0, 1.0)
    assert np.abs(out[np.abs(values) <= 0.1]).max() < 1e-12


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 3.0, -32767.0])
def test_values_that_no_stick_sends_are_refused(value):
    layout = load_layout("xbox")
    axes, buttons = pressed(layout, "deadman")
    axes[4] = value
    with pytest.raises(ContractError, match="from -1 to 1"):
        layout.read(axes, buttons)


def test_another_device_than_the_layouts_is_refused_with_both_counts():
    with pytest.raises(ContractError, match=r"6 axes and 13 buttons, layout 'xbox' is for 8 and 11"):
        load_layout("xbox").read(*RELEASED.to_plain())


def test_a_layout_of_ones_own_is_read_from_a_file_and_mistakes_in_it_are_named(tmp_path):
    path = tmp_path / "own.yaml"
    good = "axis_count: 2\nbutton_count: 2\naxes: {x: {axis: 1, factor: -1}}\nbuttons: {deadman: 0}\n"
    path.write_text(good + "opening: {axis: 0, released: 1, pressed: -1}\n")
    command = load_layout(str(path)).read([-1.0, -0.5], [1, 0])
    assert (command.twist[0], command.opening, command.deadman) == (0.5, 0.0, True)
    for text, message in [
        (good + "axess: {}\n", "did you mean 'axes'"),
        (good.replace("x:", "q:"), "'q' in axes"),
        (good.replace("deadman: 0", "open: 0"), "no button 'deadman'"),
        (good.replace("deadman: 0", "deadman: 7"), "index 7"),
        (good.replace("axis: 1", "axes: 1"), "not complete"),
        ("- 1\n", "holds list"),
        (": :\n -", "cannot be read"),
    ]:
        path.write_text(text)
        with pytest.raises(ConfigError, match=message):
            load_layout(str(path))
    with pytest.raises(ConfigError, match="did you mean 'xbox'"):
        load_layout("xbx")


@pytest.fixture
def joy():
    """An input that has seen the device at rest at time 0."""
    joy = JoyInput(load_layout("xbox"))
    joy.take(*idle(joy.layout), 0.0)
    return joy


def test_the_dead_man_counts_while_it_is_held_and_messages_come(joy):
    joy.take(*pressed(joy.layout, "deadman"), 0.1)
    assert joy.command(0.2).deadman
    assert joy.why_released(0.2) == ""
    joy.take(*idle(joy.layout), 0.2)
    assert not joy.command(0.21).deadman
    assert "hold LB" in joy.why_released(0.21)


def test_silence_for_a_quarter_second_releases_everything(joy):
    joy.take(*pressed(joy.layout, "deadman"), 0.1)
    assert joy.command(0.34).deadman
    assert joy.command(0.36) is RELEASED
    assert "no message on /joy for 0.26 s" in joy.why_released(0.36)


def test_a_device_that_comes_back_with_its_dead_man_down_moves_nothing_until_that_was_let_go(joy):
    joy.take(*pressed(joy.layout, "deadman"), 0.1)
    joy.take(*pressed(joy.layout, "deadman", "clutch"), 1.0)
    assert not joy.command(1.0).deadman
    assert "release the dead-man once" in joy.why_released(1.0)
    joy.take(*idle(joy.layout), 1.1)
    joy.take(*pressed(joy.layout, "deadman"), 1.2)
    assert joy.command(1.2).deadman


def test_a_dead_man_that_is_down_in_the_very_first_message_does_not_count():
    joy = JoyInput(load_layout("xbox"))
    assert joy.take(*pressed(joy.layout, "deadman", "start"), 0.0) == frozenset()
    assert not joy.command(0.0).deadman


def test_a_broken_message_releases_everything_and_is_counted(joy):
    joy.take(*pressed(joy.layout, "deadman"), 0.1)
    axes, buttons = pressed(joy.layout, "deadman")
    axes[0] = math.nan
    with pytest.raises(ContractError):
        joy.take(axes, buttons, 0.15)
    assert joy.command(0.15) is RELEASED
    assert joy.refused == 1
    assert "from -1 to 1" in joy.why_released(0.15)
    joy.take(*pressed(joy.layout, "deadman"), 0.2)
    assert not joy.command(0.2).deadman


def test_a_button_goes_down_once_however_long_it_is_held_even_over_a_gap(joy):
    assert joy.take(*pressed(joy.layout, "start"), 0.1) == {"start", "stop"}
    assert joy.take(*pressed(joy.layout, "start"), 0.2) == frozenset()
    assert joy.take(*pressed(joy.layout, "start"), 5.0) == frozenset()
    joy.take(*idle(joy.layout), 5.1)
    assert joy.take(*pressed(joy.layout, "start"), 9.0) == {"start", "stop"}
