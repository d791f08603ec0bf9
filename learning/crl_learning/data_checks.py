"""Data that nothing can be learned from are refused before the first step, each fault in words of its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crl_learning.action_scale import ActionScale
from crl_learning.dataset import TrajectoryData
from crl_robot.errors import ContractError

LOOKED_AT = 64
"""Images that are compared to tell whether the camera saw anything; spread over all trajectories."""
OVERSHOOT = 0.01
"""Part of the range by which a commanded action may lie outside of it: rounding, not another robot."""
ACHIEVED_PART = 0.05
"""Part of the steps whose achieved motion may exceed what one command may ask for: an arm catches up now and then."""


def require_trajectories(data: TrajectoryData, validation: float) -> None:
    """Raises ContractError where there are too few to learn from, or to hold some out, or they are too short."""
    count, longest = len(data.lengths), int(data.lengths.max(initial=0))
    if not count or not longest:
        raise ContractError(f"{_name(data)} hold no trajectory, expected some; record, or run 'crl-data play'")
    if longest < 2:
        raise ContractError(
            f"the longest of {count} trajectories in {_name(data)} has one step, expected two or more: what an action "
            "leads to must be seen; record longer episodes"
        )
    if count == 1 and validation > 0:
        raise ContractError(
            f"{_name(data)} hold one trajectory, expected at least 2: validation={validation:g} holds whole "
            "trajectories out; record more, or set validation=0"
        )


def require_changing_images(data: TrajectoryData) -> None:
    """Raises ContractError where the camera sees nothing move; looks at some of the images."""
    rows = np.unique(np.linspace(0, len(data.images) - 1, LOOKED_AT).astype(np.int64))
    seen = np.stack([data.images[row] for row in rows])
    if (seen == seen[0]).all():
        what = f"one colour {seen[0].reshape(-1, seen.shape[-1])[0].tolist()}" if np.ptp(seen[0]) == 0 else "the same"
        raise ContractError(
            f"all of {len(rows)} images taken from {_name(data)} are {what}, expected a camera that sees the arm move; "
            "look at them with 'crl-data view' and check camera and image.crop"
        )


def require_actions_in_range(data: TrajectoryData, scale: ActionScale) -> None:
    """Raises ContractError for actions of another robot or control rate than ``scale`` is made for."""
    beyond = np.abs(data.actions - scale.centre) - (1 + OVERSHOOT) * scale.half_range  # (N, 7)
    beyond[:, scale.half_range == 0] = 0
    outside = int((beyond > 0).any(axis=1).sum())
    allowed = ACHIEVED_PART * len(beyond) if data.labels == "achieved" else 0
    if outside > allowed:
        raise ContractError(
            f"{outside} of {len(beyond)} {data.labels} actions in {_name(data)} are out of range, "
            f"{_worst(data, beyond, scale)}; choose the robot= that moved, or convert the data to its ticks"
        )


def _worst(data: TrajectoryData, beyond: NDArray[np.float32], scale: ActionScale) -> str:
    """'dx=0.2 at step 7, expected -0.05 to 0.05'."""
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(beyond > 0, beyond / scale.half_range, -np.inf)
    step, entry = np.unravel_index(int(relative.argmax()), relative.shape)
    low, high = scale.centre[entry] - scale.half_range[entry], scale.centre[entry] + scale.half_range[entry]
    name, value = data.action_spec.names[entry], data.actions[step, entry]
    return f"{name}={value:.3g} at step {step}, expected {low:.3g} to {high:.3g}"


def _name(data: TrajectoryData) -> str:
    return data.source or "the data"
