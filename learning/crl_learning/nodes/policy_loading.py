"""What the policy node reads from the disk before it acts."""

from __future__ import annotations

from pathlib import Path

import torch

from crl_learning.assets import checkpoint_folder
from crl_learning.checkpoint import load_meta
from crl_learning.goal_policy import GoalPolicy, NullPolicy, views_of
from crl_learning.policy_loop import Policy
from crl_learning.progress.export import ProgressExport, load_progress
from crl_robot.contracts import ActionSpec
from crl_robot.errors import ConfigError

NULL = "null"
"""Name of the policy that never moves and needs no checkpoint."""


def load_policy(checkpoint: str, rate_hz: float, goal_camera: str, device: torch.device) -> Policy:
    """The policy of a checkpoint folder, or one that never moves for 'null'.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        ConfigError: ``rate_hz`` is neither 0 nor the checkpoint's (deltas are per tick, so the rate is not free),
            ``goal_camera`` is neither empty nor a camera that it sees, or the device cannot run it.
    """
    if checkpoint == NULL:
        return NullPolicy(ActionSpec(rate_hz=rate_hz or ActionSpec().rate_hz))
    policy = GoalPolicy.load(checkpoint_folder(checkpoint), device)
    trained, cameras = policy.action_spec.rate_hz, policy.views.cameras
    if rate_hz not in (0.0, trained):
        raise ConfigError(
            f"rate_hz is {rate_hz} Hz, the checkpoint {checkpoint} was trained at {trained} Hz; leave rate_hz at 0"
        )
    if goal_camera not in ("", *cameras):
        raise ConfigError(
            f"goal_camera is '{goal_camera}', the checkpoint {checkpoint} sees {', '.join(cameras)}; leave it empty, "
            "or use a checkpoint for that camera"
        )
    return policy


def cameras_of(checkpoint: str) -> tuple[str, ...]:
    """What it sees, without its networks. Raises CheckpointError when that cannot be read."""
    return (
        NullPolicy().views.cameras if checkpoint == NULL else views_of(load_meta(checkpoint_folder(checkpoint))).cameras
    )


def load_export(checkpoint: str) -> ProgressExport | None:
    """What the checkpoint keeps for running it; None without. Raises CheckpointError when it cannot be used."""
    return None if checkpoint == NULL else load_progress(Path(checkpoint_folder(checkpoint)))
