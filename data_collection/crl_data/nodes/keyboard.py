"""The keyboard of a terminal as a node of its own: keys that move the arm on /joy, session keys on /session/keys.

Under `ros2 launch` nodes have no keyboard, so this one runs in a terminal of its own. It also shows there what the
session says.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sensor_msgs.msg import Joy
from std_msgs.msg import String

from crl_data.nodes.joy_topics import JOY_PUBLISHER_QOS, JOY_TOPIC, KEYS_TOPIC, joy_msg, other_publishers
from crl_data.teleop.command import SESSION_BUTTONS, Command
from crl_data.teleop.errors import DeviceError
from crl_data.teleop.keyboard import Keyboard
from crl_data.teleop.terminal import Terminal
from crl_robot.nodes.common import CrlNode
from crl_robot.nodes.messages import LATCHED_QOS

RATE_HZ = 25.0
HELP = """keys (hold one to move; a tap is one short step)
  w s  ahead, back       a d  left, right      r f  up, down
  q e  turn left, right  i k  tip              j l  roll
  o c g  gripper open, close, change           + -  faster, slower
  .  hold the dead-man without moving          space  let go of everything
  Enter  start, stop     y  keep    n  drop    t  success    m  goal    Ctrl-C  leave"""


class KeyboardNode(CrlNode):
    """Reads keys; leaves /joy alone where another device publishes there."""

    def __init__(self) -> None:
        super().__init__("keyboard")
        hold_s = self.setting("hold_s", 0.25, "how long a motion key counts as held after it was last heard", 0.05, 2.0)
        tap_s = self.setting("tap_s", 0.7, "the same for session keys; longer than the delay of key repeat", 0.1, 5.0)
        self._keyboard = Keyboard(hold_s, tap_s)
        self._terminal: Terminal | None = None
        self._prompt = ""
        self._drives = True

    def open_all(self) -> None:
        """Take the terminal. Raises DeviceError when standard input is none."""
        self._terminal = Terminal()
        self._joys = self.create_publisher(Joy, JOY_TOPIC, JOY_PUBLISHER_QOS)
        self._keys = self.create_publisher(Joy, KEYS_TOPIC, JOY_PUBLISHER_QOS)
        self.create_subscription(String, "session/status", self._on_session, LATCHED_QOS)
        self.create_timer(1.0 / RATE_HZ, self._publish)
        self.get_logger().info(HELP)

    def close_all(self) -> None:
        """Give the terminal back as it was."""
        if self._terminal is not None:
            self._terminal.close()
            self._terminal = None

    def diagnose(self) -> tuple[bool, str, Mapping[str, Any]]:
        """Whether it drives the arm or only the session."""
        return True, "drives the arm and the session" if self._drives else "drives the session only", {}

    def _publish(self) -> None:
        if self._terminal is None or not self.active:
            return
        now_s = time.monotonic()
        try:
            self._keyboard.feed(self._terminal.read(), now_s)
        except DeviceError as error:
            self.failure = error
            return
        command = self._keyboard.command(now_s)
        session = command.pressed & set(SESSION_BUTTONS)
        self._keys.publish(joy_msg(self, *Command(pressed=session).to_plain(), "keyboard"))
        if self._may_drive():
            motion = replace(command, pressed=command.pressed - session)
            self._joys.publish(joy_msg(self, *motion.to_plain(), "keyboard"))

    def _may_drive(self) -> bool:
        others = other_publishers(self, JOY_TOPIC)
        if bool(others) == self._drives:
            self._drives = not others
            say = f"{', '.join(others)} moves the arm; keys lead through the session only" if others else "keys move it"
            self.get_logger().info(say)
        return self._drives

    def _on_session(self, msg: String) -> None:
        try:
            status = json.loads(msg.data)
            prompt, busy = str(status["prompt"]), bool(status["busy"])
        except (ValueError, KeyError, TypeError) as error:
            self.get_logger().warning(f"/session/status: {error}", throttle_duration_sec=5.0)
            return
        if prompt != self._prompt and not busy:
            self._prompt = prompt
            self.get_logger().info(prompt)
