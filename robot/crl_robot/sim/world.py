"""The simulated world: one MuJoCo model and its state, stepped by whoever owns the clock.

It knows nothing of controllers, cameras or tasks. Threads that share it hold `World.lock` while they look or step.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

from crl_robot.contracts import Pose
from crl_robot.errors import ContractError
from crl_robot.geometry import quat_from_matrix
from crl_robot.kinematics import ASSETS
from crl_robot.robots import WIDOWX, Robot

STEPS_PER_INNER_TICK = 5
INNER_PERIOD_NS = 20_000_000
CAN_RADIUS_M = 0.035
CAN_HEIGHT_M = 0.05

_STATE = mujoco.mjtState.mjSTATE_INTEGRATION


@dataclass(frozen=True)
class WorldOptions:
    """What may differ from the world that data were made in.

    Attributes:
        light: factor on the brightness of all lights.
        table_rgb: colour of the table top, 0..1 each; None leaves it as modelled.
        camera_offset: shift (3,) m of the over-shoulder camera in the base frame.
        joint_noise_rad: standard deviation of the noise on measured joint angles.
    """

    light: float = 1.0
    table_rgb: tuple[float, float, float] | None = None
    camera_offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    joint_noise_rad: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.light <= 3.0:
            raise ContractError(f"light is {self.light}, expected a factor of 0 to 3")
        if self.table_rgb is not None and not all(0.0 <= c <= 1.0 for c in self.table_rgb):
            raise ContractError(f"table_rgb is {self.table_rgb}, expected three values of 0 to 1")
        if not self.joint_noise_rad >= 0.0:
            raise ContractError(f"joint_noise_rad is {self.joint_noise_rad}, expected 0 or more")


class World:
    """One robot's arm (N joints) and table with one can. ``seed`` draws the measurement noise; the physics has none."""

    def __init__(self, seed: int = 0, options: WorldOptions | None = None, robot: Robot = WIDOWX) -> None:
        self.robot = robot
        self.options = options or WorldOptions()
        self.model = mujoco.MjModel.from_xml_path(str(ASSETS / robot.scene))
        self.data = mujoco.MjData(self.model)
        self.lock = threading.RLock()
        self._rng = np.random.default_rng(seed)
        self._n = robot.n_joints
        self._tool = self.model.site(robot.model.tool).id
        self._can = self.model.body("can").id
        self._can_qpos = int(self.model.joint("can").qposadr[0])
        _apply(self.options, self.model)
        self.reset(robot.home, robot.can_xy)

    @property
    def time_ns(self) -> int:
        """Simulated time since the last reset."""
        with self.lock:
            return round(self.data.time * 1e9)

    def reset(self, q: ArrayLike, object_xy: ArrayLike, object_yaw: float = 0.0) -> None:
        """Put the arm at joints ``q`` (N,) rad, gripper closed, and the can at ``object_xy`` (2,) m; all at rest."""
        joints = np.asarray(q, dtype=np.float64)
        x, y = np.asarray(object_xy, dtype=np.float64)
        with self.lock:
            mujoco.mj_resetData(self.model, self.data)
            self.data.qpos[: self._n] = joints
            self.data.qpos[self._n : self._n + 2] = self.robot.fingers.at(0.0)
            half = object_yaw / 2
            can = [x, y, CAN_HEIGHT_M / 2, np.cos(half), 0.0, 0.0, np.sin(half)]
            self.data.qpos[self._can_qpos : self._can_qpos + 7] = can
            self.command(joints, 0.0)
            mujoco.mj_forward(self.model, self.data)

    def step_inner(self) -> None:
        """Advance by one inner tick, 0.02 s."""
        with self.lock:
            mujoco.mj_step(self.model, self.data, nstep=STEPS_PER_INNER_TICK)

    def command(self, q: ArrayLike, gripper: float) -> None:
        """Set the targets of the servos: joints (N,) rad and gripper opening 0..1."""
        with self.lock:
            self.data.ctrl[: self._n] = q
            self.data.ctrl[self._n] = self.robot.fingers.at(gripper)

    def joints(self) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Measured joint angles (N,) rad, velocities (N,) rad/s and gripper opening 0..1."""
        with self.lock:
            noise = self._rng.normal(0.0, self.options.joint_noise_rad, self._n) if self.options.joint_noise_rad else 0
            position = self.data.qpos[: self._n] + noise
            opening = self.robot.fingers.opening(float(self.data.qpos[self._n]))
            return position, self.data.qvel[: self._n].copy(), opening

    def tool_pose(self) -> Pose:
        """True pose of the tool point in the base frame."""
        with self.lock:
            data = self.data
            return Pose(data.site_xpos[self._tool].copy(), quat_from_matrix(data.site_xmat[self._tool]))

    def object_pose(self) -> Pose:
        """True pose of the can's centre in the base frame."""
        with self.lock:
            qpos = self.data.qpos[self._can_qpos : self._can_qpos + 7]
            return Pose(qpos[:3].copy(), qpos[3:].copy())

    def snapshot(self) -> NDArray[np.float64]:
        """Everything that decides what happens next, as one flat vector; equal vectors have equal futures."""
        state = np.empty(mujoco.mj_stateSize(self.model, _STATE))
        with self.lock:
            mujoco.mj_getState(self.model, self.data, state, _STATE)
        return state

    def restore(self, state: NDArray[np.float64]) -> None:
        """Go back to a `snapshot`."""
        with self.lock:
            mujoco.mj_setState(self.model, self.data, state, _STATE)
            mujoco.mj_forward(self.model, self.data)

    def copy_to(self, data: mujoco.MjData) -> None:
        """Copy the state into another MjData of this model."""
        with self.lock:
            mujoco.mj_copyData(data, self.model, self.data)


def _apply(options: WorldOptions, model: mujoco.MjModel) -> None:
    model.light_diffuse[:] *= options.light
    model.vis.headlight.ambient[:] *= options.light
    model.vis.headlight.diffuse[:] *= options.light
    model.cam_pos[model.camera("over_shoulder").id] += options.camera_offset
    if options.table_rgb is not None:
        model.geom_rgba[model.geom("table").id, :3] = options.table_rgb
