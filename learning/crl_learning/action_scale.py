"""Actions in metres, radians and gripper opening <-> the [-1, 1] that networks see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crl_robot.contracts import ACTION_DIM, ACTION_NAMES
from crl_robot.control.safety import SafetyLimits
from crl_robot.errors import ContractError

CONSTANT_STD = 1e-6
RANGE_CENTRE = np.array([0, 0, 0, 0, 0, 0, 0.5], dtype=np.float32)


def range_half(limits: SafetyLimits) -> NDArray[np.float32]:
    """(7,) the largest action of one control tick: the limits that every recorded and every sent action obeys."""
    return np.array([limits.max_step_m] * 3 + [limits.max_step_rad] * 3 + [0.5], dtype=np.float32)


RANGE_HALF = range_half(SafetyLimits())
"""That of the WidowX, and of data whose robot is not known."""


@dataclass(frozen=True)
class ActionScale:
    """normalised = (action - centre) / half_range, all float32 (7,).

    An entry that never changed in the data has half_range 0: it normalises to 0 and comes back as its constant, so
    that a policy cannot move what its data never moved.
    """

    centre: NDArray[np.float32]
    half_range: NDArray[np.float32]

    def __post_init__(self) -> None:
        for name in ("centre", "half_range"):
            array = np.array(getattr(self, name), dtype=np.float32)
            if array.shape != (ACTION_DIM,) or not np.isfinite(array).all():
                raise ContractError(f"action {name} is {array.tolist()}, expected {ACTION_DIM} finite numbers")
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        if (self.half_range < 0).any():
            raise ContractError(f"action half_range is {self.half_range.tolist()}, expected no negative number")

    @classmethod
    def from_actions(cls, actions: NDArray[np.float32], half: NDArray[np.float32] = RANGE_HALF) -> ActionScale:
        """The scale for actions (N, 7): the robot's range, ``half`` (7,), or a constant where they are constant."""
        constant = actions.std(axis=0) < CONSTANT_STD
        centre = np.where(constant, actions.mean(axis=0), RANGE_CENTRE)
        return cls(centre, np.where(constant, 0, half))

    @property
    def free(self) -> NDArray[np.float32]:
        """(7,) 1 for entries that change, 0 for constant ones."""
        return (self.half_range > 0).astype(np.float32)

    def normalise(self, actions: ArrayLike) -> NDArray[np.float32]:
        """(..., 7) actions -> (..., 7) in [-1, 1]; what lies outside the range is clipped."""
        safe = np.where(self.half_range > 0, self.half_range, 1)
        scaled = (np.asarray(actions, dtype=np.float32) - self.centre) / safe * self.free
        return np.clip(scaled, -1, 1).astype(np.float32)

    def denormalise(self, normalised: ArrayLike) -> NDArray[np.float32]:
        """(..., 7) in [-1, 1] -> (..., 7) actions."""
        return (np.asarray(normalised, dtype=np.float32) * self.half_range + self.centre).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        return {"centre": self.centre.tolist(), "half_range": self.half_range.tolist()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ActionScale:
        return cls(data["centre"], data["half_range"])


def action_statistics(actions: NDArray[np.float32]) -> dict[str, dict[str, float]]:
    """Mean, standard deviation, minimum and maximum of actions (N, 7) in their own units, by name."""
    columns = {"mean": actions.mean(0), "std": actions.std(0), "min": actions.min(0), "max": actions.max(0)}
    return {
        name: {statistic: float(values[i]) for statistic, values in columns.items()}
        for i, name in enumerate(ACTION_NAMES)
    }
