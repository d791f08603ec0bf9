"""What a checkpoint says about the run that made it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from crl_learning.action_scale import RANGE_CENTRE, RANGE_HALF, ActionScale, action_statistics, range_half
from crl_learning.checkpoint import CheckpointMeta
from crl_learning.config import TrainConfig
from crl_learning.dataset import TrajectoryData
from crl_learning.provenance import git_commit
from crl_learning.snapshot import Progress
from crl_robot.errors import ConfigError
from crl_robot.robots import robot, robot_of_data

MACHINE_SETTINGS = ("cache", "cache_gb", "out", "resume")
"""Settings that say where things lie on one machine: a checkpoint travels without them."""


def action_scale_of(data: TrajectoryData, name: str) -> ActionScale:
    """How the actions of the robot that moved are normalised. Raises ConfigError as `range_of`."""
    if not data.action_spec.moves_an_arm:
        return ActionScale.of_controls(data.actions)
    return ActionScale.from_actions(data.actions, range_of(data, name))


def largest_actions(data: TrajectoryData, name: str) -> ActionScale:
    """The whole range of the actions, of entries that never change too. Raises ConfigError as `range_of`."""
    if data.action_spec.moves_an_arm:
        return ActionScale(RANGE_CENTRE, range_of(data, name))
    count = data.actions.shape[1]
    return ActionScale(np.zeros(count, np.float32), np.ones(count, np.float32))


def range_of(data: TrajectoryData, name: str) -> NDArray[Any]:
    """(7,) largest action of the robot that moved. Raises ConfigError when it is another than ``name`` says."""
    if name != "auto" and data.robot != robot(name).data_name:
        raise ConfigError(
            f"robot={name} expects data of '{robot(name).data_name}', {data.source} holds data of '{data.robot}'; use "
            "other data, or robot=auto"
        )
    known = robot_of_data(data.robot)
    return range_half(known.limits) if known else RANGE_HALF


def checkpoint_meta(
    config: TrainConfig,
    data: TrajectoryData,
    scale: ActionScale,
    progress: Progress,
    device: torch.device,
    dtype: torch.dtype,
) -> CheckpointMeta:
    """What the tensors of this step mean, and where they come from."""
    provenance = {
        "settings": {name: value for name, value in asdict(config).items() if name not in MACHINE_SETTINGS},
        "data": {
            "source": data.source,
            "fingerprint": data.fingerprint,
            "trajectories": len(data.lengths),
            "observations": len(data.images),
            "gaps": data.gaps,
        },
        "action_statistics": action_statistics(data.actions, data.action_spec.names),
        "git_commit": git_commit(),
        "torch": torch.__version__,
        "device": str(device),
        "precision": str(dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "seconds": round(progress.seconds, 1),
    }
    return CheckpointMeta(
        config.algorithm.name,
        config.network,
        data.image_spec,
        data.action_spec,
        data.labels,
        scale,
        progress.step,
        config.seed,
        provenance,
        data.robot,
        data.size[0] if data.image_spec is None else 0,
        config.image.more_cameras,
    )
