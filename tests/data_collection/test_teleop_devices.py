"""Keyboard, joystick device and 3D mouse, against a pseudo-terminal, a pipe and a fake."""

import math
import os
import struct
import sys
import termios
from collections import deque
from types import SimpleNamespace

import pytest

from crl_data.teleop import joystick as linux_joystick
from crl_data.teleop.errors import DeviceError
from crl_data.teleop.joystick import Joystick
from crl_data.teleop.keyboard import BUTTON_KEYS, MOTION_KEYS, Keyboard
from crl_data.teleop.spacemouse import SpaceMouse, open_spacemouse
from crl_data.teleop.terminal import Terminal
from crl_robot.errors import ContractError

AXIS, BUTTON, INITIAL = 2, 1, 128


# --- keyboard


def test_a_held_key_moves_as_long_as_it_repeats_and_a_quarter_second_longer():
    keyboard = Keyboard()
    for k in range(10):
        keyboard.feed("w", 0.03 * k)
        command = keyboard.command(0.03 * k)
        assert (command.twist[0], command.deadman) == (1.0, True)
    assert keyboard.command(0.27 + 0.24).deadman
    released = keyboard.command(0.27 + 0.25)
    assert not released.deadman
    assert not released.twist.any()


def test_space_lets_go_of_everything_at_once():
    keyboard = Keyboard()
    keyboard.feed("wo ", 0.0)
    assert not keyboard.command(0.0).pressed
    assert not keyboard.command(0.0).twist.any()


def test_the_full_stop_holds_the_dead_man_without_motion():
    keyboard = Keyboard()
    keyboard.feed(".", 0.0)
    assert keyboard.command(0.1).deadman
    assert not keyboard.command(0.1).twist.any()


def test_a_gripper_key_holds_the_dead_man_too_or_it_would_not_be_obeyed():
    keyboard = Keyboard()
    keyboard.feed("g", 0.0)
    assert keyboard.command(0.1).pressed == {"deadman", "toggle"}


def test_holding_enter_is_one_press_until_it_is_let_go():
    keyboard = Keyboard()
    keyboard.feed("\n", 0.0)
    assert keyboard.command(0.6).pressed == {"start", "stop"}
    for k in range(20):
        keyboard.feed("\n", 0.66 + 0.03 * k)
        assert keyboard.command(0.66 + 0.03 * k).pressed == {"start", "stop"}
    assert not keyboard.command(2.5).pressed


def test_session_keys_do_not_hold_the_dead_man():
    keyboard = Keyboard()
    keyboard.feed("\nyntm+-", 0.0)
    assert not keyboard.command(0.0).deadman


def test_arrow_keys_and_unknown_keys_move_nothing():
    """The last letters of their escape sequences are keys that move."""
    keyboard = Keyboard()
    keyboard.feed("\x1b[A\x1b[D\x1bOA\x1b[3~\x00zé", 0.0)
    assert not keyboard.command(0.0).pressed
    keyboard.feed("a", 0.0)
    assert keyboard.command(0.0).twist[1] == 1.0


def test_no_key_has_two_meanings():
    assert not set(MOTION_KEYS) & set(BUTTON_KEYS)


def test_a_terminal_gives_keys_without_waiting_and_is_afterwards_as_before():
    master, slave = os.openpty()
    before = termios.tcgetattr(slave)
    terminal = Terminal(slave)
    assert terminal.read() == ""
    os.write(master, b"wa\xff")
    assert terminal.read() == "wa"
    assert not termios.tcgetattr(slave)[3] & termios.ICANON
    terminal.close()
    assert termios.tcgetattr(slave) == before
    for fd in (master, slave):
        os.close(fd)


def test_standard_input_that_is_no_terminal_is_refused_with_what_to_do():
    reading, writing = os.pipe()
    with pytest.raises(DeviceError, match="ros2 run crl_data keyboard"):
        Terminal(reading)
    for fd in (reading, writing):
        os.close(fd)


# --- joystick


class Kernel:
    """The other end of a joystick device."""

    def __init__(self, path):
        os.mkfifo(path)
        self.path = path
        self._reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # or opening for writing would wait
        self._fd = os.open(path, os.O_WRONLY)

    def send(self, *events):
        os.write(self._fd, b"".join(struct.pack("=IhBB", 0, *event) for event in events))

    def send_bytes(self, data):
        os.write(self._fd, data)

    def unplug(self):
        for fd in (self._fd, self._reader):
            if fd >= 0:
                os.close(fd)
        self._fd = self._reader = -1


@pytest.fixture
def kernel(tmp_path):
    kernel = Kernel(tmp_path / "js0")
    yield kernel
    kernel.unplug()


@pytest.fixture
def joystick(kernel):
    joystick = Joystick(kernel.path)
    yield joystick
    joystick.close()


def test_the_first_round_of_events_tells_how_many_axes_and_buttons_there_are(kernel, joystick):
    assert not joystick.poll()
    assert (joystick.axes, joystick.buttons) == ([], [])
    kernel.send(*[(0, AXIS | INITIAL, n) for n in range(8)], *[(0, BUTTON | INITIAL, n) for n in range(11)])
    assert joystick.poll()
    assert (joystick.axes, joystick.buttons) == ([0.0] * 8, [0] * 11)


def test_left_and_up_are_positive_as_in_ros(kernel, joystick):
    kernel.send((-32767, AXIS, 0), (32767, AXIS, 1), (-32768, AXIS, 2), (16384, AXIS, 3), (1, BUTTON, 1))
    joystick.poll()
    assert joystick.axes[:3] == [1.0, -1.0, 1.0]
    assert joystick.axes[3] == pytest.approx(-0.5, abs=1e-4)
    assert joystick.buttons == [0, 1]


def test_the_newest_of_many_events_counts_and_none_queues_up(kernel, joystick):
    kernel.send(*[(k, AXIS, 0) for k in range(500)], (1, BUTTON, 0), (0, BUTTON, 0))
    joystick.poll()
    assert joystick.axes == [pytest.approx(-499 / 32767)]
    assert joystick.buttons == [0]
    assert not joystick.poll()


def test_an_event_that_comes_in_two_pieces_is_put_together(kernel, joystick):
    data = struct.pack("=IhBB", 0, 32767, AXIS, 0)
    kernel.send_bytes(data[:5])
    assert not joystick.poll()
    kernel.send_bytes(data[5:])
    assert joystick.poll()
    assert joystick.axes == [-1.0]


def test_unknown_event_types_and_absurd_numbers_are_ignored(kernel, joystick):
    kernel.send((1, 4, 0), (1, AXIS, 200), (1, BUTTON, 255))
    joystick.poll()
    assert (joystick.axes, joystick.buttons) == ([], [])


def test_a_gamepad_that_is_unplugged_is_an_error(kernel, joystick):
    kernel.unplug()
    with pytest.raises(DeviceError, match="is gone"):
        joystick.poll()


def test_a_missing_gamepad_is_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(DeviceError, match="plug it in"):
        Joystick(tmp_path / "js7")


# --- 3D mouse


class Reports:
    """A device whose reads take one waiting report each, as pyspacemouse's do."""

    def __init__(self, *reports):
        self.waiting = deque(reports)
        self.state = SimpleNamespace(t=-1.0, x=0, y=0, z=0, roll=0, pitch=0, yaw=0, buttons=[0, 0])
        self.closed = False

    def read(self):
        if self.waiting:
            report = self.waiting.popleft()
            if isinstance(report, Exception):
                raise report
            vars(self.state).update(report, t=self.state.t + 1)
        return self.state

    def close(self):
        self.closed = True


def test_pushing_the_cap_away_is_ahead_and_to_the_right_is_minus_y():
    command = SpaceMouse(Reports({"x": 0.5, "y": 0.25, "z": -0.5, "roll": 0.1, "pitch": 0.2, "yaw": 0.3})).read()
    assert command.twist.tolist() == [0.25, -0.5, -0.5, 0.2, -0.1, 0.3]
    assert not command.deadman


def test_the_left_button_is_the_dead_man_and_the_right_one_the_gripper():
    assert SpaceMouse(Reports({"buttons": [1, 1]})).read().pressed == {"deadman", "toggle"}
    assert SpaceMouse(Reports({"buttons": []})).read().pressed == frozenset()


def test_old_reports_do_not_queue_up_and_a_full_push_is_one():
    mouse = SpaceMouse(Reports(*({"x": -k / 20} for k in range(26))))
    assert mouse.read().twist[1] == 1.0


def test_a_mouse_that_is_unplugged_is_an_error():
    mouse = SpaceMouse(Reports({}, OSError("no such device")))
    with pytest.raises(DeviceError, match="no such device"):
        mouse.read()


def test_a_missing_package_or_mouse_is_an_error_that_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspacemouse", None)
    with pytest.raises(DeviceError, match=r"pip install 'pyspacemouse>=2\.1'"):
        open_spacemouse()


def test_a_machine_without_a_mouse_says_so(monkeypatch):
    def nothing(**_):
        raise RuntimeError("No connected or supported devices found.")

    package = SimpleNamespace(open=nothing, AxisConvention=SimpleNamespace(HID_Z_UP="hid_z_up"))
    monkeypatch.setitem(sys.modules, "pyspacemouse", package)
    monkeypatch.setitem(sys.modules, "easyhid", SimpleNamespace(HIDException=ValueError))
    with pytest.raises(DeviceError, match=r"No connected .* plug it in"):
        open_spacemouse()


def test_a_broken_mouse_gives_no_command():
    with pytest.raises(ContractError):
        SpaceMouse(Reports({"x": math.nan})).read()


def test_a_missing_gamepad_comes_with_advice_that_holds_without_ros(tmp_path, monkeypatch):
    monkeypatch.setattr(linux_joystick, "connected", lambda: [])
    with pytest.raises(DeviceError, match=r"plug it in, or .* python -m crl_data.nodes.keyboard_node"):
        Joystick(tmp_path / "js9")
    monkeypatch.setattr(linux_joystick, "connected", lambda: ["/dev/input/js1"])
    with pytest.raises(DeviceError, match="found: /dev/input/js1; name one by the node's parameter"):
        Joystick(tmp_path / "js9")
