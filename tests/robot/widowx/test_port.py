"""The serial port itself, with nobody at its other end."""

import os
import tty

import pytest

from crl_robot.widowx.port import PortError, SdkPort

WRITES = 100_000
"""Of 20 bytes; a pseudo-terminal buffers far less."""


def fill(port):
    for _ in range(WRITES):
        port.sync_write({1: b"\0\0\0\0"}, 116, 4)


def test_a_port_that_takes_no_more_bytes_is_lost_instead_of_waited_for():
    other_end, this_end = os.openpty()
    try:
        tty.setraw(this_end)
        port = SdkPort(os.ttyname(this_end), 1_000_000, answer_s=0.01)
        with pytest.raises(PortError, match="the port is gone"):
            fill(port)
        port.close()
    finally:
        os.close(this_end)
        os.close(other_end)
