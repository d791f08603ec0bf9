"""The controlling terminal, key by key and without waiting."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from contextlib import suppress

from crl_data.teleop.errors import DeviceError


class Terminal:
    """Reads keys without echo; the terminal is as before after `close`. Ctrl-C still ends the process."""

    def __init__(self, fd: int | None = None) -> None:
        self._fd = sys.stdin.fileno() if fd is None else fd
        if not os.isatty(self._fd):
            raise DeviceError(
                "standard input is no terminal, so there are no keys to read; start the keyboard in a "
                "terminal of its own: python -m crl_data.nodes.keyboard_node, or where ROS 2 is installed "
                "ros2 run crl_data keyboard"
            )
        self._before = termios.tcgetattr(self._fd)
        tty.setcbreak(self._fd)

    def read(self) -> str:
        """What was typed since the last call. Raises DeviceError when the terminal was closed."""
        if not select.select([self._fd], [], [], 0.0)[0]:
            return ""
        try:
            data = os.read(self._fd, 1024)
        except OSError as error:
            raise DeviceError(f"the terminal cannot be read: {error}") from error
        if not data:
            raise DeviceError("the terminal was closed")
        return data.decode("utf-8", errors="ignore")

    def close(self) -> None:
        """Give the terminal its settings back, if it is still there."""
        with suppress(termios.error):
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)
