"""An arm whose driver can be opened again: sits between the controller and a driver whose device may be unplugged.

It never comes back by itself, because an arm that starts again in the middle of a motion is a surprise.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from crl_robot.contracts import Arm, JointReading
from crl_robot.errors import ArmError

RETRY_S = 0.2


def connect_within(
    connect: Callable[[], Arm],
    patience_s: float,
    stopping: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Arm:
    """Try ``connect`` until it succeeds. Raises its last ArmError after ``patience_s``, or once ``stopping()``."""
    deadline = clock() + patience_s
    while True:
        try:
            return connect()
        except ArmError:
            if clock() >= deadline or stopping():
                raise
        sleep(RETRY_S)


class ReconnectingArm:
    """An `Arm` over the driver that ``connect`` opens; `reset` opens another one when this one cannot be read.

    Args:
        arm: the driver that is open now.
        connect: opens the next one. Raises ArmError.
    """

    def __init__(self, arm: Arm, connect: Callable[[], Arm]) -> None:
        self.joint_names = arm.joint_names
        self._connect = connect
        self._arm: Arm | None = arm
        self._missing = ""

    def read(self) -> JointReading:
        """Newest measured joints. Raises ArmError."""
        return self._driver().read()

    def command(self, position: NDArray[np.float64], gripper: float) -> None:
        """Stream one joint target (N,) rad and gripper opening 0..1. Raises ArmError."""
        self._driver().command(position, gripper)

    def hold(self) -> None:
        """Stay where it is now. Raises ArmError when the device cannot be told; a closed arm was told before."""
        if self._missing != _CLOSED:
            self._driver().hold()

    def enable(self) -> None:
        """Take commands from now on. Raises ArmError."""
        self._driver().enable()

    def reset(self) -> None:
        """Clear what the device latched; a device that cannot be read is opened anew first. Raises ArmError."""
        if self._missing != _CLOSED and not self._readable():
            self._reopen()
        self._driver().reset()

    def diagnostics(self) -> Mapping[str, float | int | str]:
        """Health of the device. Raises ArmError."""
        return self._driver().diagnostics()

    def close(self) -> None:
        """Hold, then release the device."""
        if self._arm is not None:
            self._arm.close()
        self._arm, self._missing = None, _CLOSED

    def _driver(self) -> Arm:
        if self._arm is None:
            raise ArmError(self._missing)
        return self._arm

    def _readable(self) -> bool:
        try:
            self._driver().read()
        except ArmError:
            return False
        return True

    def _reopen(self) -> None:
        if self._arm is not None:
            self._arm.close()
        self._arm = None
        try:
            self._arm = self._connect()
        except ArmError as error:
            self._missing = f"not connected: {error}; put that right, then reset the arm"
            raise


_CLOSED = "the arm is closed; connect again"
