"""From an Action to the joints that carry it out, inside every limit; sends nothing and reads nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from crl_robot.arm_model import ArmModel
from crl_robot.contracts import ActionSpec, Pose
from crl_robot.control import leash, safety
from crl_robot.errors import ArmError, RefusedError
from crl_robot.geometry import matrix_from_quat, matrix_from_rpy, quat_from_matrix

Array = NDArray[np.float64]
HOME_SAMPLES = 20
HOME_FLOOR_M = 0.005
"""How far the tool may go below the workspace, or below where it is, on the way home."""


class Kinematics(Protocol):
    """What the controller needs to know about an arm's geometry; joints (N,) in rad."""

    @property
    def arm(self) -> ArmModel: ...

    @property
    def joint_limits(self) -> Array:
        """(N, 2) low and high in rad."""
        ...

    def forward(self, q: Array) -> Pose: ...

    def jacobian(self, q: Array) -> Array:
        """(6, N) velocity and turning rate of the tool per joint rate."""
        ...

    def solve(self, target: Pose, q_seed: Array) -> Array:
        """Joints that reach ``target``, near ``q_seed``. Raises ArmError when there are none."""
        ...


class Collisions(Protocol):
    """What the controller needs to know about clearances; raises CollisionError where there are none."""

    def check(self, q: Array, gripper: float) -> None: ...

    def check_way(self, q_start: Array, q_end: Array, gripper_start: float, gripper_end: float) -> None: ...


@dataclass(frozen=True)
class Stand:
    """What a step starts from: joints ``q`` and opening ``gripper`` commanded last, and where that was to lead."""

    q: Array
    gripper: float
    q_target: Array
    target: Pose
    gripper_target: float


@dataclass(frozen=True)
class Step:
    """What an Action came to: joints (N,) rad, tool pose and opening at its end, and the delta (6,) to there."""

    q: Array
    pose: Pose
    gripper: float
    delta: Array


class StepPlanner:
    """Shortens what may be shortened, counted in ``events``, and refuses the rest."""

    def __init__(
        self,
        kinematics: Kinematics,
        collisions: Collisions,
        spec: ActionSpec,
        limits: safety.SafetyLimits,
        joint_names: tuple[str, ...],
        events: Counter[str],
    ) -> None:
        self._kinematics = kinematics
        self._collisions = collisions
        self._spec = spec
        self._limits = limits
        self._names = joint_names
        self._events = events

    def plan(self, values: NDArray[np.float32], stand: Stand, measured: Pose) -> Step:
        """The step for Action values (7,). Raises ArmError, with the row's event where it is a RefusedError."""
        base = measured if self._spec.reference == "measured" else stand.target
        position, rotation = self._limited_base(base, measured)
        delta = self._limited_delta(position, rotation, values[:6].astype(np.float64), measured)
        q, delta = self._solve(position, rotation, delta, stand)
        gripper = safety.gripper_target(stand.gripper_target, float(values[6]), self._limits)
        self._check_dexterity(q, stand)
        self._collisions.check_way(stand.q, q, stand.gripper, gripper)
        return Step(q, _moved(position, rotation, delta), gripper, delta)

    def check_home(self, q_home: Array, stand: Stand) -> None:
        """Raise ArmError when the straight way in joint space to ``q_home`` (N,) must not be gone."""
        self._check_joints(q_home, stand)
        floor = min(self._limits.workspace_low[2], float(stand.target.position[2])) - HOME_FLOOR_M
        for fraction in np.linspace(0.0, 1.0, HOME_SAMPLES):
            height = self._kinematics.forward(stand.q + fraction * (q_home - stand.q)).position[2]
            if height < floor:
                raise RefusedError(
                    "home_refused",
                    f"the way home passes {height:.3f} m above the base, below {floor:.3f} m; raise the arm",
                )
        self._collisions.check_way(stand.q, q_home, stand.gripper, stand.gripper)

    def _check_joints(self, q: Array, stand: Stand) -> None:
        safety.check_joints(q, stand.q, self._kinematics.joint_limits, self._limits, self._names)

    def _limited_base(self, base: Pose, measured: Pose) -> tuple[Array, Array]:
        """What the delta is added to: the base pose, pulled in to the leash when the arm fell behind."""
        rotation, measured_rotation = matrix_from_quat(base.quat_wxyz), matrix_from_quat(measured.quat_wxyz)
        position = leash.pull_in(base.position, measured.position, self._limits.leash_m)
        pulled = leash.pull_in_rotation(rotation, measured_rotation, self._limits.leash_rad)
        if position is not base.position or pulled is not rotation:
            self._events["leash"] += 1
        return position, pulled

    def _limited_delta(self, position: Array, rotation: Array, delta: Array, measured: Pose) -> Array:
        """(6,) delta inside step limits, box and leash; each only ever shortens it."""
        limits = self._limits
        stepped = safety.clip_step(delta, limits)
        boxed = stepped.copy()
        boxed[:3] = safety.clip_to_workspace(position, position + stepped[:3], limits) - position
        leashed = boxed.copy()
        leashed[:3] *= leash.leash_fraction(position, boxed[:3], measured.position, limits.leash_m)
        leashed[3:] *= leash.leash_fraction_rotation(
            rotation, boxed[3:], matrix_from_quat(measured.quat_wxyz), limits.leash_rad
        )
        self._events["step"] += int((stepped != delta).any())
        self._events["workspace"] += int((np.abs(boxed - stepped) > 1e-9).any())
        self._events["leash"] += int((leashed != boxed).any())
        return leashed

    def _solve(self, position: Array, rotation: Array, delta: Array, stand: Stand) -> tuple[Array, Array]:
        """Joints for the delta, shortened once when a joint would have to turn faster than it may."""
        reach = self._limits.joint_speed * self._spec.period_s
        q = self._checked_ik(_moved(position, rotation, delta), stand)
        largest = float(np.abs(q - stand.q).max())
        if largest > reach:
            self._events["joint_speed"] += 1
            delta = delta * (0.9 * reach / largest)
            q = self._checked_ik(_moved(position, rotation, delta), stand)
            largest = float(np.abs(q - stand.q).max())
        if largest > reach:
            raise ArmError(f"a joint would turn {largest:.2f} rad in one tick, at most {reach:.2f} rad is allowed")
        return q, delta

    def _checked_ik(self, target: Pose, stand: Stand) -> Array:
        q = np.asarray(self._kinematics.solve(target, stand.q_target), dtype=np.float64)
        self._check_joints(q, stand)
        return q

    def _check_dexterity(self, q: Array, stand: Stand) -> None:
        before, after = (safety.dexterity(self._kinematics.jacobian(joints), self._limits) for joints in (stand.q, q))
        safety.check_dexterity(before, after, self._limits)


def _moved(position: Array, rotation: Array, delta: Array) -> Pose:
    """The pose after a delta: position is added, R' = Rz Ry Rx R about the tool point."""
    return Pose(position + delta[:3], quat_from_matrix(matrix_from_rpy(delta[3:]) @ rotation))
