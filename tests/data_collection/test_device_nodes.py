"""Gamepad, 3D mouse and keyboard nodes in this process: what they publish, and when they keep silent."""

import os
import struct
import sys
import time
from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy")

import rclpy
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import Joy

from crl_data.nodes.devices import GamepadNode, SpaceMouseNode
from crl_data.nodes.joy_topics import JOY_PUBLISHER_QOS, JOY_QOS
from crl_data.nodes.keyboard import KeyboardNode
from crl_data.teleop.errors import DeviceError
from crl_data.teleop.layout import load_layout

pytestmark = pytest.mark.ros
DEADLINE_S = 15.0


class Bench:
    """One device node and one listener on an executor of their own."""

    def __init__(self, make):
        self.device = make()
        self.node = rclpy.create_node("listener")
        self.heard = {"/joy": [], "/session/keys": []}
        for topic, messages in self.heard.items():
            self.node.create_subscription(Joy, topic, messages.append, JOY_QOS)
        self.executor = SingleThreadedExecutor()
        for node in (self.device, self.node):
            self.executor.add_node(node)

    def until(self, condition):
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, self.heard
            self.executor.spin_once(timeout_sec=0.05)

    def close(self):
        self.device.leave()
        self.executor.shutdown()
        for node in (self.device, self.node):
            node.destroy_node()


@pytest.fixture
def bench(monkeypatch):
    """Makes a Bench; parameters are given as on a command line."""
    made = []

    def make(node_class, *parameters):
        flags = [part for parameter in parameters for part in ("-p", parameter)]
        rclpy.init(args=["--ros-args", *flags], domain_id=1 + os.getpid() % 99)
        made.append(Bench(node_class))
        return made[-1]

    yield make
    for one in made:
        one.close()
    rclpy.try_shutdown()


@pytest.fixture
def js0(tmp_path):
    """A joystick device with 8 axes and 11 buttons at rest; the value is its path and where events are written."""
    path = tmp_path / "js0"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    fd = os.open(path, os.O_WRONLY)
    events = [(0, 2 | 128, n) for n in range(8)] + [(0, 1 | 128, n) for n in range(11)]
    os.write(fd, b"".join(struct.pack("=IhBB", 0, *event) for event in events))
    yield SimpleNamespace(path=path, fd=fd)
    for one in (fd, reader):
        os.close(one)


def test_a_gamepad_speaks_as_the_xbox_layout_reads_it_and_goes_on_at_rest(bench, js0):
    rig = bench(GamepadNode, f"device:={js0.path}", "rate_hz:=50.0")
    rig.device.autostart()
    os.write(js0.fd, struct.pack("=IhBB", 0, -32767, 2, 1) + struct.pack("=IhBB", 0, 1, 1, 4))
    rig.until(lambda: len(rig.heard["/joy"]) >= 5)
    command = load_layout("xbox").read(rig.heard["/joy"][-1].axes, rig.heard["/joy"][-1].buttons)
    assert command.twist[0] == 1.0
    assert command.deadman


def test_a_gamepad_keeps_silent_beside_another_source_and_says_so(bench, js0):
    rig = bench(GamepadNode, f"device:={js0.path}")
    rig.node.create_publisher(Joy, "/joy", JOY_PUBLISHER_QOS)
    rig.until(lambda: rig.node.count_publishers("/joy") == 1)
    rig.device.autostart()
    rig.until(lambda: "listener publishes on /joy already" in rig.device.diagnose()[1])
    assert not rig.device.diagnose()[0]


def test_a_gamepad_that_is_not_there_is_an_error_at_the_start(bench, tmp_path):
    rig = bench(GamepadNode, f"device:={tmp_path / 'js9'}")
    with pytest.raises(DeviceError, match="plug it in"):
        rig.device.autostart()


def test_a_3d_mouse_speaks_plain(bench, monkeypatch):
    state = SimpleNamespace(t=1.0, x=0.0, y=0.5, z=0.0, roll=0.0, pitch=0.0, yaw=0.0, buttons=[1, 0])
    device = SimpleNamespace(read=lambda: state, close=lambda: None)
    package = SimpleNamespace(open=lambda **_: device, AxisConvention=SimpleNamespace(HID_Z_UP="hid_z_up"))
    monkeypatch.setitem(sys.modules, "pyspacemouse", package)
    monkeypatch.setitem(sys.modules, "easyhid", SimpleNamespace(HIDException=ValueError))
    rig = bench(SpaceMouseNode)
    rig.device.autostart()
    rig.until(lambda: rig.heard["/joy"])
    command = load_layout("plain").read(rig.heard["/joy"][0].axes, rig.heard["/joy"][0].buttons)
    assert command.twist.tolist() == [0.5, 0, 0, 0, 0, 0]
    assert command.pressed == {"deadman"}


@pytest.fixture
def terminal(monkeypatch):
    """A pseudo-terminal as standard input; the value is where keys are typed."""
    master, slave = os.openpty()
    monkeypatch.setattr(sys, "stdin", os.fdopen(slave, closefd=False))
    yield master
    for fd in (master, slave):
        os.close(fd)


def plain(message):
    return load_layout("plain").read(message.axes, message.buttons)


def test_keys_that_move_go_to_joy_and_session_keys_beside_it(bench, terminal):
    rig = bench(KeyboardNode, "hold_s:=2.0", "tap_s:=5.0")
    rig.device.autostart()
    os.write(terminal, b"w\ny")
    rig.until(lambda: any(m.buttons[0] for m in rig.heard["/joy"]))
    rig.until(lambda: any(m.buttons[7] for m in rig.heard["/session/keys"]))
    motion = next(plain(m) for m in rig.heard["/joy"] if m.buttons[0])
    assert (motion.twist[0], motion.pressed) == (1.0, {"deadman"})
    keys = next(plain(m) for m in rig.heard["/session/keys"] if m.buttons[7])
    assert keys.pressed == {"start", "stop", "keep"}
    assert not keys.twist.any()


def test_beside_another_device_keys_lead_through_the_session_only(bench, terminal):
    rig = bench(KeyboardNode, "hold_s:=2.0")
    other = rig.node.create_publisher(Joy, "/joy", JOY_PUBLISHER_QOS)
    rig.until(lambda: rig.node.count_publishers("/joy") == 1)
    rig.device.autostart()
    rig.until(lambda: rig.device.diagnose()[1] == "drives the session only")
    rig.heard["/joy"].clear()
    os.write(terminal, b"wn")
    rig.until(lambda: any(m.buttons[10] for m in rig.heard["/session/keys"]))
    assert not rig.heard["/joy"]
    rig.node.destroy_publisher(other)
    rig.until(lambda: rig.heard["/joy"])


def test_without_a_terminal_the_keyboard_says_where_to_run_it(bench, monkeypatch, tmp_path):
    with (tmp_path / "nothing").open("w") as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        rig = bench(KeyboardNode)
        with pytest.raises(DeviceError, match=r"terminal of its own: python -m crl_data.nodes.keyboard_node"):
            rig.device.autostart()
