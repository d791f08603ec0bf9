"""What an emulated Sawyer moves: a servo model that needs no physics, the MuJoCo Sawyer, or that of a simulated world.

Both take set points for the joints and the gripper's gap, and are stepped by their owner.
"""

from __future__ import annotations

from typing import Protocol

import mujoco
import numpy as np
from numpy.typing import NDArray

from crl_robot.kinematics import ASSETS
from crl_robot.sawyer.model import GRIPPER_STROKE_M, JOINT_SPEEDS, N_JOINTS, NEUTRAL_Q, SAWYER
from crl_robot.sim.world import World

Array = NDArray[np.float64]
_TIME_CONSTANT_S = 0.04
_GRIPPER_SPEED = 0.15
_TIMESTEP_S = 0.005


class Plant(Protocol):
    """Joints (7,) rad and rad/s, gap in m."""

    def follow(self, joints: Array, gap_m: float) -> None:
        """New set points."""
        ...

    def step(self, period_s: float) -> None: ...

    def joints(self) -> tuple[Array, Array]:
        """Position and velocity."""
        ...

    def gap(self) -> float: ...


class ServoPlant:
    """Every joint follows its set point with one time constant and its maker's top speed."""

    def __init__(self, q: Array = NEUTRAL_Q, gap_m: float = GRIPPER_STROKE_M) -> None:
        self._q = np.array(q, dtype=np.float64)
        self._velocity = np.zeros(N_JOINTS)
        self._gap = gap_m
        self.follow(self._q, gap_m)

    def follow(self, joints: Array, gap_m: float) -> None:
        """New set points."""
        self._target, self._gap_target = np.array(joints), gap_m

    def step(self, period_s: float) -> None:
        """Advance by ``period_s``."""
        share = 1.0 - np.exp(-period_s / _TIME_CONSTANT_S)
        reach = JOINT_SPEEDS * period_s
        moved = np.clip(share * (self._target - self._q), -reach, reach)
        self._velocity = moved / period_s
        self._q = self._q + moved
        gap_reach = _GRIPPER_SPEED * period_s
        self._gap += float(np.clip(self._gap_target - self._gap, -gap_reach, gap_reach))

    def joints(self) -> tuple[Array, Array]:
        """Position and velocity."""
        return self._q, self._velocity

    def gap(self) -> float:
        """Between the fingers."""
        return self._gap


class MujocoPlant:
    """The MuJoCo Sawyer with its position servos, gravity and effort limits."""

    def __init__(self, q: Array = NEUTRAL_Q, gap_m: float = GRIPPER_STROKE_M) -> None:
        self.model = mujoco.MjModel.from_xml_path(str(ASSETS / SAWYER.file))
        self.model.opt.timestep = _TIMESTEP_S
        self.model.opt.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
        self.data = mujoco.MjData(self.model)
        self.data.qpos[:N_JOINTS] = q
        self.data.qpos[N_JOINTS : N_JOINTS + 2] = gap_m / 2
        self.follow(q, gap_m)
        mujoco.mj_forward(self.model, self.data)

    def follow(self, joints: Array, gap_m: float) -> None:
        """New set points; both fingers move by half of the gap."""
        self.data.ctrl[:N_JOINTS] = joints
        self.data.ctrl[N_JOINTS] = gap_m / 2

    def step(self, period_s: float) -> None:
        """Advance by ``period_s``, a multiple of 5 ms."""
        mujoco.mj_step(self.model, self.data, nstep=max(1, round(period_s / _TIMESTEP_S)))

    def joints(self) -> tuple[Array, Array]:
        """Position and velocity."""
        return self.data.qpos[:N_JOINTS].copy(), self.data.qvel[:N_JOINTS].copy()

    def gap(self) -> float:
        """Between the fingers."""
        return float(self.data.qpos[N_JOINTS] + self.data.qpos[N_JOINTS + 1])


class WorldPlant:
    """The Sawyer of a simulated world, which is stepped here."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._left_s = 0.0

    def follow(self, joints: Array, gap_m: float) -> None:
        """New set points; both fingers move by half of the gap."""
        with self._world.lock:
            self._world.data.ctrl[:N_JOINTS] = joints
            self._world.data.ctrl[N_JOINTS] = gap_m / 2

    def step(self, period_s: float) -> None:
        """Advance by whole steps of the world; what is left over counts the next time."""
        timestep = self._world.model.opt.timestep
        self._left_s += period_s
        steps = int(self._left_s / timestep + 1e-6)
        self._left_s -= steps * timestep
        with self._world.lock:
            mujoco.mj_step(self._world.model, self._world.data, nstep=steps)

    def joints(self) -> tuple[Array, Array]:
        """Position and velocity."""
        with self._world.lock:
            data = self._world.data
            return data.qpos[:N_JOINTS].copy(), data.qvel[:N_JOINTS].copy()

    def gap(self) -> float:
        """Between the fingers."""
        with self._world.lock:
            return float(self._world.data.qpos[N_JOINTS : N_JOINTS + 2].sum())
