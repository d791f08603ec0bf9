"""Data that nothing can be learned from are refused before the first step, each fault in words of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_learning.action_scale import ActionScale
from crl_learning.config import TrainConfig
from crl_learning.dataset import TrajectoryData, usable_trajectories
from crl_learning.network_config import NetworkConfig
from crl_robot.errors import ContractError

LOOKED_AT = 64
"""Images that are compared to tell whether the camera saw anything; spread over all trajectories."""
OVERSHOOT = 0.01
"""Part of the range by which a commanded action may lie outside of it: rounding, not another robot."""
ACHIEVED_PART = 0.05
"""Part of the steps whose achieved motion may exceed what one command may ask for: an arm catches up now and then."""


def require_learnable(data: TrajectoryData, config: TrainConfig) -> None:
    """Raises ContractError where a run of ``config`` has nothing to learn from, or its networks take something else."""
    require_trajectories(data, config.validation)
    require_inputs(data, config.network)
    require_changing_images(data, config.image.more_cameras)


def require_trajectories(data: TrajectoryData, validation: float) -> None:
    """Raises ContractError where too few can be learned from, or held out: they are too short, or full of gaps."""
    count, longest = len(data.lengths), int(data.lengths.max(initial=0))
    if not count or not longest:
        raise ContractError(f"{_name(data)} hold no trajectory, expected some; record, or run 'crl-data play'")
    if longest < 2:
        raise ContractError(
            f"the longest of {count} trajectories in {_name(data)} has one step, expected two or more: what an action "
            "leads to must be seen; record longer episodes"
        )
    usable = int(usable_trajectories(data).sum())
    if not usable:
        raise ContractError(
            f"none of {count} trajectories in {_name(data)} has two observations one period apart, expected some: time "
            "is missing after every step; record again, at a rate that the machine keeps"
        )
    if usable == 1 and validation > 0:
        others = f" of two or more steps in a row, {count - 1} without," if count > 1 else ","
        raise ContractError(
            f"{_name(data)} hold one trajectory{others} expected at least 2: validation={validation:g} holds whole "
            "trajectories out; record more, or set validation=0"
        )


def require_inputs(data: TrajectoryData, network: NetworkConfig) -> None:
    """Raises ContractError where observations are not what the networks are made for."""
    kind = "state" if data.image_spec is None else "image"
    numbers = 0 if data.proprio is None else data.proprio.shape[1]
    pairs = {"inputs": (network.inputs, kind), "proprio": (network.proprio, numbers)}
    if data.image_spec is not None:
        pairs["cameras"] = network.cameras, data.images.shape[-1] // 3
    for name, (expected, got) in pairs.items():
        if got != expected:
            raise ContractError(
                f"network.{name}={expected}, {_name(data)} hold {got}; set network.{name}={got}, or load other data"
            )


def require_changing_images(data: TrajectoryData, more_cameras: Sequence[str] = ()) -> None:
    """Raises ContractError where a camera sees nothing move; looks at some of the images.

    ``more_cameras`` are the names of those beside the image spec's, in the order of the channels.
    """
    rows = np.unique(np.linspace(0, len(data.images) - 1, LOOKED_AT).astype(np.int64))
    seen = np.stack([data.images[row] for row in rows])
    if data.image_spec is None:
        _require_change(seen, "states", data)
        return
    for number, name in enumerate((data.image_spec.camera, *more_cameras)):
        _require_change(seen[..., 3 * number : 3 * number + 3], f"images of camera '{name}'", data)


def _require_change(seen: NDArray[Any], kind: str, data: TrajectoryData) -> None:
    if (seen == seen[0]).all():
        what = f"one colour {seen[0].reshape(-1, seen.shape[-1])[0].tolist()}" if np.ptp(seen[0]) == 0 else "the same"
        raise ContractError(
            f"all of {len(seen)} {kind} taken from {_name(data)} are {what}, expected a camera that sees the arm move; "
            "look at them with 'crl-data view' and check camera and image.crop"
        )


def require_actions_in_range(data: TrajectoryData, scale: ActionScale, largest: ActionScale) -> None:
    """Raises ContractError for actions of another robot or control rate than ``scale`` is made for.

    Entries that never change have no range in ``scale``: they must be within ``largest``, that of the robot.
    """
    free = scale.half_range > 0
    centre = np.where(free, scale.centre, largest.centre)
    half = np.where(free, scale.half_range, largest.half_range)
    beyond = np.abs(data.actions - centre) - (1 + OVERSHOOT) * half  # (N, A)
    outside = int((beyond > 0).any(axis=1).sum())
    allowed = ACHIEVED_PART * len(beyond) if data.labels == "achieved" else 0
    if outside > allowed:
        step, entry = np.unravel_index(int((beyond / half).argmax()), beyond.shape)
        low, high = centre[entry] - half[entry], centre[entry] + half[entry]
        worst = f"{data.action_spec.names[entry]}={data.actions[step, entry]:.3g} at step {step}"
        raise ContractError(
            f"{outside} of {len(beyond)} {data.labels} actions in {_name(data)} are out of range, "
            f"{worst}, expected {low:.3g} to {high:.3g}; choose the robot= that moved, or convert the data to its ticks"
        )


def _name(data: TrajectoryData) -> str:
    return data.source or "the data"
