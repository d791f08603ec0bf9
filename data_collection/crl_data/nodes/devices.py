"""Nodes that read one device and publish it on /joy: gamepad and 3D mouse. The keyboard has a file of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sensor_msgs.msg import Joy

from crl_data.nodes.joy_topics import JOY_PUBLISHER_QOS, JOY_TOPIC, joy_msg, other_publishers
from crl_data.teleop.errors import DeviceError
from crl_data.teleop.joystick import Joystick
from crl_data.teleop.spacemouse import open_spacemouse
from crl_robot.nodes.common import CrlNode


class DeviceNode(CrlNode):
    """Publishes the device's state at a steady rate, also when nothing changes: silence means that it is gone."""

    def __init__(self, name: str, rate_hz: float) -> None:
        super().__init__(name)
        self._rate_hz = self.setting("rate_hz", rate_hz, "messages a second on /joy", 5.0, 200.0)
        self._close_device: Callable[[], None] = _nothing
        self._others: list[str] = []
        self._published = 0

    def open_device(self) -> Callable[[], None]:
        """Open the device; returns what closes it. Raises DeviceError."""
        raise NotImplementedError

    def read_device(self) -> tuple[Sequence[float], Sequence[int]] | None:
        """Axes and buttons now, None while they are not known. Raises DeviceError."""
        raise NotImplementedError

    def open_all(self) -> None:
        """Open the device."""
        self._close_device = self.open_device()
        self._joys = self.create_publisher(Joy, JOY_TOPIC, JOY_PUBLISHER_QOS)
        self.create_timer(1.0 / self._rate_hz, self._publish)

    def close_all(self) -> None:
        """Close the device."""
        self._close_device()
        self._close_device = _nothing

    def diagnose(self) -> tuple[bool, str, Mapping[str, Any]]:
        """Whether it publishes."""
        if self._others:
            return False, f"silent: {', '.join(self._others)} publishes on {self._topic()} already", {}
        return True, "publishing" if self._published else "waiting", {"published": self._published}

    def _publish(self) -> None:
        if not self.active:
            return
        try:
            state = self.read_device()
        except DeviceError as error:
            self.failure = error
            return
        self._notice(other_publishers(self, JOY_TOPIC))
        if state is not None and not self._others:
            self._joys.publish(joy_msg(self, *state, self.get_name()))
            self._published += 1

    def _notice(self, others: list[str]) -> None:
        if others and others != self._others:
            where = self._topic()
            self.get_logger().warning(f"{', '.join(others)} publishes on {where} already; this node stays silent")
        self._others = others

    def _topic(self) -> str:
        return self.resolve_topic_name(JOY_TOPIC)


class GamepadNode(DeviceNode):
    """A gamepad without the ROS package `joy`."""

    def __init__(self) -> None:
        super().__init__("gamepad", 50.0)
        self._path = self.setting("device", "/dev/input/js0", "joystick device")

    def open_device(self) -> Callable[[], None]:
        """Open the joystick device."""
        self._joystick = Joystick(self._path)
        return self._joystick.close

    def read_device(self) -> tuple[Sequence[float], Sequence[int]] | None:
        """Values as the kernel numbers them."""
        self._joystick.poll()
        return (self._joystick.axes, self._joystick.buttons) if self._joystick.axes else None


class SpaceMouseNode(DeviceNode):
    """A 3D mouse, layout 'plain'."""

    def __init__(self) -> None:
        super().__init__("spacemouse", 50.0)

    def open_device(self) -> Callable[[], None]:
        """Open the first 3D mouse."""
        self._mouse = open_spacemouse()
        return self._mouse.close

    def read_device(self) -> tuple[Sequence[float], Sequence[int]] | None:
        """Twist and buttons in the base frame."""
        return self._mouse.read().to_plain()


def _nothing() -> None:
    """There is no device to close."""
