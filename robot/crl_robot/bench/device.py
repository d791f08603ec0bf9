"""An emulated WidowX in a process of its own, which fails when told to and logs what it is given and what it does."""

from __future__ import annotations

import multiprocessing
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from crl_robot.bench.device_log import DeviceLog
from crl_robot.bench.device_process import serve
from crl_robot.errors import CrlError

FALL_RAD_S = 0.3
FALL_FLOOR_RAD = -1.5
_ANSWER_S = 20.0


class DeviceError(CrlError, RuntimeError):
    """The process of the emulated arm does not answer."""


class Device:
    """A context manager around the process; ``port`` is where a driver finds the arm.

    Args:
        start: (7,) rad, the gripper's crank last.
        seed: of the bytes that faults drop and change.
    """

    def __init__(self, start: ArrayLike, seed: int = 0) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="crl-bench-")
        self.port = Path(self._folder.name) / "ttyDXL"
        context = multiprocessing.get_context("spawn")
        self._pipe, child = context.Pipe()
        arguments = (child, self.port, np.asarray(start, dtype=np.float64).tolist(), seed)
        self._process = context.Process(target=serve, args=arguments, name="emulated arm", daemon=True)
        self._process.start()
        child.close()

    def __enter__(self) -> Self:
        self.do("ready")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(BrokenPipeError, DeviceError):
            self._pipe.send(("quit", ()))
        self._process.join(5.0)
        if self._process.is_alive():
            self._process.kill()
        self._folder.cleanup()

    def do(self, name: str, *values: Any) -> Any:
        """Have a method of `device_process.Workings` called. Raises DeviceError when the process is gone."""
        try:
            self._pipe.send((name, values))
            if self._pipe.poll(_ANSWER_S):
                return self._pipe.recv()
        except (EOFError, OSError) as error:
            raise DeviceError(f"the emulated arm ended: {error}") from error
        raise DeviceError(f"the emulated arm did not answer '{name}' within {_ANSWER_S:.0f} s")

    def drain(self) -> DeviceLog:
        """What happened since the last time."""
        return self.do("drain")
