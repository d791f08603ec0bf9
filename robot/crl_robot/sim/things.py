"""What an arm can move in a scene, found in its model: free objects and drawers, by the names of their joints."""

from __future__ import annotations

from collections.abc import Mapping

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

from crl_robot.contracts import Pose
from crl_robot.errors import ContractError, nearest
from crl_robot.sim.state import Placement


class Things:
    """Reads and writes the configuration ``qpos`` of a model at what is not the arm.

    Args:
        model: the scene.
        n_arm: number of the arm's own joints, fingers included; they come first.
    """

    def __init__(self, model: mujoco.MjModel, n_arm: int) -> None:
        self._start = model.qpos0.copy()
        self.objects = _addresses(model, mujoco.mjtJoint.mjJNT_FREE, n_arm)
        self.slides = _addresses(model, mujoco.mjtJoint.mjJNT_SLIDE, n_arm)

    def main_at(self, xy: ArrayLike | None, yaw: float) -> dict[str, Placement]:
        """The first object at (2,) m, as high as the scene's file has it; nothing for None."""
        if xy is None:
            return {}
        name = next(iter(self.objects))
        x, y = np.asarray(xy, dtype=np.float64).tolist()
        return {name: (x, y, float(self._start[self.objects[name] + 2]), yaw)}

    def put(self, qpos: NDArray[np.float64], objects: Mapping[str, Placement], slides: Mapping[str, float]) -> None:
        """Write placements. Raises ContractError for an unknown name."""
        for name, (x, y, z, yaw) in objects.items():
            start, half = _address(self.objects, name), yaw / 2
            qpos[start : start + 7] = [x, y, z, np.cos(half), 0.0, 0.0, np.sin(half)]
        for name, value in slides.items():
            qpos[_address(self.slides, name)] = value

    def pose(self, qpos: NDArray[np.float64], name: str) -> Pose:
        """Pose of an object's frame. Raises ContractError for an unknown name."""
        start = _address(self.objects, name)
        return Pose(qpos[start : start + 3].copy(), qpos[start + 3 : start + 7].copy())

    def slide(self, qpos: NDArray[np.float64], name: str) -> float:
        """Position of a drawer or the like, m. Raises ContractError for an unknown name."""
        return float(qpos[_address(self.slides, name)])


def _address(known: Mapping[str, int], name: str) -> int:
    if name not in known:
        raise ContractError(f"this scene has nothing to place named '{name}'; {nearest(name, known)}")
    return known[name]


def _addresses(model: mujoco.MjModel, kind: mujoco.mjtJoint, first: int) -> dict[str, int]:
    """Name -> address in qpos of the joints of one kind, from joint number ``first`` on."""
    kinds = model.jnt_type[first:] == kind
    return {model.joint(i).name: int(model.jnt_qposadr[i]) for i in (first + np.flatnonzero(kinds)).tolist()}
