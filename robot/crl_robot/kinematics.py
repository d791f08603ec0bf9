"""Kinematics of an arm: joints to tool pose, and tool pose to joints by differential inverse kinematics.

The arm is a WidowX 250s unless another `ArmModel` is given.
"""

from __future__ import annotations

from pathlib import Path

import mink
import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

from crl_robot.arm_model import ArmModel
from crl_robot.contracts import Pose
from crl_robot.errors import ArmError, ConfigError, ContractError
from crl_robot.geometry import quat_from_matrix

ASSETS = Path(__file__).parent / "assets"
JOINT_NAMES = ("waist", "shoulder", "elbow", "forearm_roll", "wrist_angle", "wrist_rotate")
N_JOINTS = len(JOINT_NAMES)
HOME_Q = np.array([0.0, 0.02199, 0.183135, 0.0, 1.365672, 0.0])
"""Start pose, rad: tool at (0.30, 0, 0.15) m, gripper down."""
WX250S = ArmModel("wx250s.xml", JOINT_NAMES, tuple(HOME_Q.tolist()))

POSITION_TOLERANCE_M = 1e-3
ROTATION_TOLERANCE_RAD = 1e-2
_MAX_ITERATIONS = 40
_MAX_STEP_RAD = 0.5


class Kinematics:
    """Forward and inverse kinematics of the tool point on a model of its own; not safe to share between threads."""

    def __init__(self, arm: ArmModel = WX250S) -> None:
        self.arm = arm
        self._n = len(arm.joint_names)
        self._model = mujoco.MjModel.from_xml_path(str(ASSETS / arm.file))
        first = tuple(self._model.joint(index).name for index in range(self._n))
        if first != arm.joint_names:
            raise ConfigError(f"the first joints of {arm.file} are {first}, expected {arm.joint_names}")
        self._configuration = mink.Configuration(self._model)
        self._task = mink.FrameTask(arm.tool, "site", position_cost=1.0, orientation_cost=0.3, lm_damping=1e-3)
        self._limits = [mink.ConfigurationLimit(self._model, gain=1.0)]
        self._q = self._configuration.q.copy()
        self._site = self._model.site(arm.tool).id

    @property
    def joint_limits(self) -> NDArray[np.float64]:
        """(N, 2) lowest and highest angle of each joint, rad."""
        return self._model.jnt_range[: self._n].copy()

    def forward(self, q: ArrayLike) -> Pose:
        """Joint angles (N,) rad -> tool pose in the base frame."""
        self._update(q)
        data = self._configuration.data
        return Pose(data.site_xpos[self._site].copy(), quat_from_matrix(data.site_xmat[self._site]))

    def jacobian(self, q: ArrayLike) -> NDArray[np.float64]:
        """Joint angles (N,) rad -> (6, N): velocity (m/s) and turning rate (rad/s) of the tool per rad/s of each joint.

        Both in the base frame.
        """
        self._update(q)
        position, rotation = np.empty((3, self._model.nv)), np.empty((3, self._model.nv))
        mujoco.mj_jacSite(self._model, self._configuration.data, position, rotation, self._site)
        return np.vstack([position, rotation])[:, : self._n]

    def solve(self, target: Pose, q_seed: ArrayLike) -> NDArray[np.float64]:
        """Joint angles (N,) rad within the limits that put the tool at ``target``, found from ``q_seed`` (N,).

        Raises ArmError with the remaining distance when no solution within 1 mm and 0.01 rad is found.
        """
        low, high = self.joint_limits.T
        self._update(np.clip(np.asarray(q_seed, dtype=np.float64), low, high))
        self._task.set_target(mink.SE3(np.concatenate([target.quat_wxyz, target.position])))
        try:
            self._iterate()
        except mink.NoSolutionFound as error:
            raise ArmError(f"no joint angles put the tool at {target.position.tolist()} m: {error}") from error
        error = self._task.compute_error(self._configuration)
        if not _converged(error):
            raise ArmError(
                f"no joint angles put the tool at {np.round(target.position, 4).tolist()} m: the best is "
                f"{np.linalg.norm(error[:3]) * 1e3:.1f} mm and {np.linalg.norm(error[3:]):.3f} rad away, expected at "
                "most 1 mm and 0.01 rad; choose a target within reach"
            )
        return np.clip(self._configuration.q[: self._n], low, high)

    def _iterate(self) -> None:
        """Move the configuration towards the task's target until it is there or the iterations are used up."""
        for _ in range(_MAX_ITERATIONS):
            if _converged(self._task.compute_error(self._configuration), margin=0.1):
                return
            step = mink.solve_ik(self._configuration, [self._task], 1.0, "daqp", damping=1e-6, limits=self._limits)
            step *= min(1.0, _MAX_STEP_RAD / max(float(np.abs(step).max()), 1e-9))
            self._configuration.integrate_inplace(step, 1.0)

    def _update(self, q: ArrayLike) -> None:
        joints = np.asarray(q, dtype=np.float64)
        if joints.shape != (self._n,) or not np.isfinite(joints).all():
            raise ContractError(f"joint angles are {joints.tolist()}, expected {self._n} finite values in rad")
        self._q[: self._n] = joints
        self._configuration.update(self._q)


def _converged(error: NDArray[np.float64], margin: float = 1.0) -> bool:
    """Whether the body twist ``error`` (6,) lies within the tolerances times ``margin``."""
    return bool(
        np.linalg.norm(error[:3]) <= margin * POSITION_TOLERANCE_M
        and np.linalg.norm(error[3:]) <= margin * ROTATION_TOLERANCE_RAD
    )
