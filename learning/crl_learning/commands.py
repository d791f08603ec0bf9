"""How the command lines end: exit codes, errors without a traceback, no node left behind."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from crl_robot.errors import CrlError
from crl_robot.graph import GraphError


def run_command(name: str, work: Callable[[], object]) -> int:
    """Do ``work`` and return the exit code.

    0 done, 1 a node of the graph failed, 2 refused with the reason on stderr, 130 interrupted. SIGTERM unwinds like
    an interrupt: ending at once would leave node processes behind.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _leave)
    try:
        work()
    except CrlError as error:
        sys.stderr.write(f"{name}: {error}\n")
        failed_node = isinstance(error, GraphError) and error.exit_code != 2
        return 1 if failed_node else 2
    except KeyboardInterrupt:
        sys.stderr.write(f"{name}: stopped\n")
        return 130
    return 0


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
