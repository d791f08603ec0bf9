"""The state of the arm as networks see it: the same numbers from a store and from a robot."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def arm_numbers(joints: ArrayLike, gripper: ArrayLike) -> NDArray[np.float32]:
    """Joints (..., J) rad and gripper opening (...,) 0..1 -> (..., J + 1).

    Joints become parts of half a turn, the gripper runs from -1 (closed) to 1 (open).
    """
    opening = 2 * np.asarray(gripper, dtype=np.float32)[..., None] - 1
    return np.concatenate([np.asarray(joints, dtype=np.float32) / np.float32(np.pi), opening], axis=-1)
