"""What the servos turn: a simple arm of first-order joints, or the MuJoCo world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

from crl_robot.kinematics import N_JOINTS
from crl_robot.sim.world import World

Array = NDArray[np.float64]


class Plant(Protocol):
    """Joints that servos drive; the last one is the gripper's crank. Angles in rad."""

    def advance(self, dt: float, set_points: Sequence[float | None]) -> None:
        """Let ``dt`` s pass with these set points, one a joint; None where torque is off."""
        ...

    def joints(self) -> tuple[Array, Array]:
        """Angles (N,) rad and velocities (N,) rad/s."""
        ...


class SimplePlant:
    """Each joint follows its set point with a time constant; without torque it sinks at ``fall_rad_s``."""

    def __init__(self, start: ArrayLike, lag_s: float = 0.02, fall_rad_s: float = 0.0, floor: float = -1.5) -> None:
        self._q = np.array(start, dtype=np.float64)
        self._v = np.zeros_like(self._q)
        self._lag_s, self._fall, self._floor = lag_s, fall_rad_s, floor

    def advance(self, dt: float, set_points: Sequence[float | None]) -> None:
        share = 1.0 - np.exp(-dt / self._lag_s)
        before = self._q.copy()
        for i, target in enumerate(set_points):
            if target is not None:
                self._q[i] += share * (target - self._q[i])
            elif self._q[i] > self._floor:
                self._q[i] = max(self._floor, self._q[i] - self._fall * dt)
        self._v = (self._q - before) / dt

    def joints(self) -> tuple[Array, Array]:
        return self._q.copy(), self._v.copy()


class WorldPlant:
    """The simulated WidowX 250s, its gripper turned through the linkage.

    ``finger_from_angle`` and ``angle_from_finger`` are the linkage in m and rad. With ``steps`` False somebody else
    steps the world, and time passed here only moves the set points.
    """

    def __init__(
        self,
        world: World,
        finger_from_angle: Callable[[float], float],
        angle_from_finger: Callable[[float], float],
        steps: bool = True,
    ) -> None:
        self._world, self._steps = world, steps
        self._finger_from_angle, self._angle_from_finger = finger_from_angle, angle_from_finger
        self._left_s = 0.0

    def advance(self, dt: float, set_points: Sequence[float | None]) -> None:
        world = self._world
        with world.lock:
            data, timestep = world.data, world.model.opt.timestep
            for i, target in enumerate(set_points[:N_JOINTS]):
                data.ctrl[i] = data.qpos[i] if target is None else target
            crank = set_points[N_JOINTS]
            half_turn = np.pi / 2
            data.ctrl[N_JOINTS] = (
                data.qpos[N_JOINTS]
                if crank is None
                else self._finger_from_angle(min(max(crank, -half_turn), half_turn))
            )
            if not self._steps:
                return
            self._left_s += dt
            while self._left_s >= timestep:
                mujoco.mj_step(world.model, data)
                self._left_s -= timestep

    def joints(self) -> tuple[Array, Array]:
        with self._world.lock:
            data = self._world.data
            crank = self._angle_from_finger(float(data.qpos[N_JOINTS]))
            return np.append(data.qpos[:N_JOINTS], crank), np.append(data.qvel[:N_JOINTS], 0.0)
