"""Actions in their own units (metres, radians, gripper opening) <-> the [-1, 1] that networks see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crl_robot.contracts import ACTION_NAMES
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
    """normalised = (action - centre) / half_range, all float32 (A,); A is 7 for an arm.

    An entry that never changed in the data has half_range 0: it normalises to 0 and comes back as its constant, so
    that a policy cannot move what its data never moved.
    """

    centre: NDArray[np.float32]
    half_range: NDArray[np.float32]

    def __post_init__(self) -> None:
        for name in ("centre", "half_range"):
            array = np.array(getattr(self, name), dtype=np.float32)
            if array.ndim != 1 or array.shape != np.shape(self.centre) or not np.isfinite(array).all():
                expected = f"{np.size(self.centre)} finite numbers, one for each entry of an action"
                raise ContractError(f"action {name} is {array.tolist()}, expected {expected}")
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        if (self.half_range < 0).any():
            raise ContractError(f"action half_range is {self.half_range.tolist()}, expected no negative number")

    @classmethod
    def from_actions(
        cls,
        actions: NDArray[np.float32],
        half: NDArray[np.float32] = RANGE_HALF,
        centre: NDArray[np.float32] = RANGE_CENTRE,
    ) -> ActionScale:
        """The scale for actions (N, A): ``centre`` and ``half`` range (A,), or a constant where they are constant."""
        constant = actions.std(axis=0) < CONSTANT_STD
        middle = np.where(constant, actions.mean(axis=0), centre)
        return cls(middle, np.where(constant, 0, half))

    @classmethod
    def of_controls(cls, actions: NDArray[np.float32]) -> ActionScale:
        """The scale for an environment's controls (N, A), which are in [-1, 1] already."""
        count = actions.shape[1]
        return cls.from_actions(actions, np.ones(count, np.float32), np.zeros(count, np.float32))

    @property
    def free(self) -> NDArray[np.float32]:
        """(A,) 1 for entries that change, 0 for constant ones."""
        return (self.half_range > 0).astype(np.float32)

    def normalise(self, actions: ArrayLike) -> NDArray[np.float32]:
        """(..., A) actions -> (..., A) in [-1, 1]; what lies outside the range is clipped."""
        safe = np.where(self.half_range > 0, self.half_range, 1)
        scaled = (np.asarray(actions, dtype=np.float32) - self.centre) / safe * self.free
        return np.clip(scaled, -1, 1).astype(np.float32)

    def denormalise(self, normalised: ArrayLike) -> NDArray[np.float32]:
        """(..., A) in [-1, 1] -> (..., A) actions."""
        return (np.asarray(normalised, dtype=np.float32) * self.half_range + self.centre).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        return {"centre": self.centre.tolist(), "half_range": self.half_range.tolist()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ActionScale:
        return cls(data["centre"], data["half_range"])


def action_statistics(actions: NDArray[np.float32], names: Sequence[str] = ACTION_NAMES) -> dict[str, dict[str, float]]:
    """Mean, standard deviation, minimum and maximum of actions (N, A) in their own units, by name."""
    columns = {"mean": actions.mean(0), "std": actions.std(0), "min": actions.min(0), "max": actions.max(0)}
    return {
        name: {statistic: float(values[i]) for statistic, values in columns.items()} for i, name in enumerate(names)
    }
