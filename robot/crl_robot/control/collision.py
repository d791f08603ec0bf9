"""Where an arm would touch itself, its pedestal or the table, from its MuJoCo model; used before anything is commanded.

The model is the controller's own: nothing here changes the physics of a simulated world. Other objects are not known.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from math import ceil

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

from crl_robot.arm_model import ArmModel
from crl_robot.control.safety import SafetyLimits
from crl_robot.errors import ContractError, RefusedError
from crl_robot.kinematics import ASSETS

Array = NDArray[np.float64]
WAY_STEP_RAD = 0.05
"""A way is looked at in steps of this size of the fastest joint: about 2 cm at the tool of a stretched WidowX."""
_TABLE = "crl_table"
_LEAVING_M = 5e-6
"""Slack for the numerical error of the distances."""


class CollisionError(RefusedError):
    """Two bodies would come too near each other; ``bodies`` names them and ``event`` is the row of the safety table."""

    def __init__(self, bodies: tuple[str, str], distance: float, clearance: float) -> None:
        self.bodies = bodies
        event = "table_contact" if "table" in bodies else "self_collision"
        what = f"{-distance * 1e3:.1f} mm into" if distance < 0 else f"within {distance * 1e3:.1f} mm of"
        super().__init__(
            event,
            f"{bodies[0]} would come {what} {bodies[1]}, expected at least {clearance * 1e3:.1f} mm; "
            "choose another pose or way",
        )


class CollisionModel:
    """Clearances of an arm: between bodies that are not neighbours on it, and between it and the table.

    What an arm joint carries counts as one body with it, so a gripper does not collide with its own fingers. The base
    and the first link stand on the table and are not held against it.

    Args:
        arm: the arm; all its geoms count, also those that touch nothing in the simulation.
        self_clearance_m, table_clearance_m: smallest distances.
        table_z: height of the table top, an endless plane, in the base frame; m.
    """

    def __init__(
        self, arm: ArmModel, self_clearance_m: float = 0.005, table_clearance_m: float = 0.002, table_z: float = 0.0
    ) -> None:
        self._model = _model_with_table(str(ASSETS / arm.file), table_z)
        self._data = mujoco.MjData(self._model)
        self._n = len(arm.joint_names)
        links = _links(self._model, arm.joint_names)
        pairs = _arm_pairs(self._model, links)
        tables = _table_pairs(self._model, links)
        self._pairs = np.array(pairs + tables)
        self._clearance = np.repeat([self_clearance_m, table_clearance_m], [len(pairs), len(tables)])
        self._is_table = np.arange(len(self._pairs)) >= len(pairs)
        self._endless = (self._model.geom_type[self._pairs] == mujoco.mjtGeom.mjGEOM_PLANE).any(axis=1)
        self._table_z = table_z

    @classmethod
    def of(cls, arm: ArmModel, limits: SafetyLimits) -> CollisionModel:
        """The model with the clearances of ``limits``."""
        return cls(arm, limits.self_clearance_m, limits.table_clearance_m, limits.table_z)

    def check(self, q: ArrayLike, gripper: float, start: tuple[ArrayLike, float] | None = None) -> None:
        """Raise CollisionError when joints ``q`` (N,) rad and opening ``gripper`` 0..1 bring two bodies too near.

        Bodies that are too near already at ``start``, joints and opening, may be led apart: none of them may come
        nearer than the nearest of them was. A folded arm leaves one such pair after the other.
        """
        distance = self._distances(q, gripper)
        if not (distance < self._clearance).any():
            return
        lacking = self._allowed(start) - distance
        worst = int(lacking.argmax())
        if lacking[worst] > 0:
            raise CollisionError(self._names(worst), float(distance[worst]), float(self._clearance[worst]))

    def check_way(self, q_start: Array, q_end: Array, gripper_start: float, gripper_end: float) -> None:
        """`check` along the straight way in joint space, from but without its start. Raises CollisionError."""
        count = max(1, ceil(float(np.abs(q_end - q_start).max()) / WAY_STEP_RAD))
        before = (q_start, gripper_start)
        for fraction in np.arange(1, count + 1) / count:
            here = (q_start + fraction * (q_end - q_start), gripper_start + fraction * (gripper_end - gripper_start))
            self.check(*here, before)
            before = here

    def _allowed(self, start: tuple[ArrayLike, float] | None) -> Array:
        """(P,) smallest distance of each pair after ``start``."""
        allowed = self._clearance.copy()
        if start is None:
            return allowed
        before = self._distances(*start)
        for kind in (self._is_table, ~self._is_table):
            near = kind & (before < self._clearance)
            if near.any():
                allowed[near] = before[near].min() - _LEAVING_M
        return allowed

    def _distances(self, q: ArrayLike, gripper: float) -> Array:
        """(P,) distance of every pair in m, negative when they overlap; infinite where it is clearly large enough."""
        self._pose(q, gripper)
        distance = np.full(len(self._pairs), np.inf)
        for index in np.flatnonzero(self._gaps() <= self._clearance).tolist():
            first, second = self._pairs[index].tolist()
            distmax = float(self._clearance[index]) * 2
            distance[index] = mujoco.mj_geomDistance(self._model, self._data, first, second, distmax, None)
        return distance

    def _gaps(self) -> Array:
        """(P,) lower bound of the distance of every pair: that of the boxes around them along the base's axes."""
        rotation, boxes = self._data.geom_xmat.reshape(-1, 3, 3), self._model.geom_aabb
        centre = self._data.geom_xpos + np.einsum("gij,gj->gi", rotation, boxes[:, :3])
        half = np.einsum("gij,gj->gi", np.abs(rotation), boxes[:, 3:])
        first, second = self._pairs.T
        gap = (np.abs(centre[second] - centre[first]) - half[second] - half[first]).max(axis=1)
        gap[self._endless] = -np.inf  # no box holds a plane
        lowest = centre[second, 2] - half[second, 2]
        return np.where(self._is_table, lowest - self._table_z, gap)

    def _pose(self, q: ArrayLike, gripper: float) -> None:
        joints = np.asarray(q, dtype=np.float64)
        if joints.shape != (self._n,) or not np.isfinite(joints).all() or not np.isfinite(gripper):
            raise ContractError(f"joints are {joints.tolist()} with gripper {gripper}, expected {self._n} finite rad")
        model, data = self._model, self._data
        data.qpos[: self._n] = joints
        slides = np.flatnonzero(model.jnt_type[self._n :] == mujoco.mjtJoint.mjJNT_SLIDE) + self._n
        low, high = model.jnt_range[slides].T
        data.qpos[model.jnt_qposadr[slides]] = low + np.clip(gripper, 0.0, 1.0) * (high - low)
        mujoco.mj_kinematics(model, data)

    def _names(self, index: int) -> tuple[str, str]:
        """The two bodies of a pair, the outer one first."""
        names = [self._model.body(self._model.geom_bodyid[geom]).name for geom in self._pairs[index]]
        return (names[1], "table") if self._is_table[index] else (names[1], names[0])


@lru_cache(maxsize=8)
def _model_with_table(file: str, table_z: float) -> mujoco.MjModel:
    spec = mujoco.MjSpec.from_file(file)
    spec.worldbody.add_geom(name=_TABLE, type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 1], pos=[0, 0, table_z])
    return spec.compile()


def _links(model: mujoco.MjModel, joint_names: tuple[str, ...]) -> dict[int, int]:
    """Geom -> number of arm joints that move it, for the geoms of the arm and of what stands still."""
    link_of_body = {0: 0}
    number = {int(model.joint(name).bodyid[0]): index + 1 for index, name in enumerate(joint_names)}
    for body in range(1, model.nbody):
        inherited = link_of_body.get(int(model.body_parentid[body]))
        loose = model.body_jntnum[body] > 0 and inherited == 0
        link = number.get(body, None if loose else inherited)
        if link is not None:
            link_of_body[body] = link
    bodies = enumerate(model.geom_bodyid.tolist())
    return {geom: link_of_body[body] for geom, body in bodies if body in link_of_body}


def _arm_pairs(model: mujoco.MjModel, links: dict[int, int]) -> list[tuple[int, int]]:
    table = model.geom(_TABLE).id
    geoms = sorted((geom for geom in links if geom != table), key=lambda geom: links[geom])
    return [(a, b) for a, b in combinations(geoms, 2) if links[b] - links[a] >= 2]


def _table_pairs(model: mujoco.MjModel, links: dict[int, int]) -> list[tuple[int, int]]:
    table = model.geom(_TABLE).id
    return [(table, geom) for geom, link in links.items() if link >= 2]
