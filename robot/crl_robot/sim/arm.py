"""The simulated arm behind the `Arm` protocol."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from crl_robot.contracts import JointReading
from crl_robot.errors import ArmError
from crl_robot.joint_targets import finite_joints
from crl_robot.sim.world import World


class SimArm:
    """Reads and commands the servos of a `World`; stamps come from ``clock_ns``, by default simulated time."""

    def __init__(self, world: World, clock_ns: Callable[[], int] | None = None) -> None:
        self.joint_names = world.robot.model.joint_names
        self._world = world
        self._clock_ns = clock_ns or (lambda: world.time_ns)
        self._closed = False

    def read(self) -> JointReading:
        """Measured joints, stamped now. Raises ArmError after `close`."""
        self._require_open()
        with self._world.lock:
            position, velocity, gripper = self._world.joints()
            return JointReading(position, velocity, gripper, self._clock_ns())

    def command(self, position: NDArray[np.float64], gripper: float) -> None:
        """Set the servo targets: joints (N,) rad, opening 0..1. Raises ArmError on wrong values or after `close`."""
        self._require_open()
        self._world.command(finite_joints(position, gripper, len(self.joint_names)), gripper)

    def hold(self) -> None:
        """Stay at the measured joints; the gripper keeps its command, or a held object would fall."""
        if self._closed:
            return
        with self._world.lock:
            position, _, _ = self._world.joints()
            self._world.command(position, self._world.gripper_target)

    def enable(self) -> None:
        """The simulated servos are always on: hold where the arm stands."""
        self._require_open()
        self.hold()

    def reset(self) -> None:
        """Nothing is ever latched in a simulated arm."""
        self._require_open()

    def diagnostics(self) -> dict[str, float | int | str]:
        """A simulated arm is always well."""
        return {}

    def close(self) -> None:
        """Hold, then refuse everything."""
        self.hold()
        self._closed = True

    def _require_open(self) -> None:
        if self._closed:
            raise ArmError("the simulated arm is closed; make a new SimArm")
