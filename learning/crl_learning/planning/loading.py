"""A planner from what lies beside a checkpoint: `planner_of(checkpoint, "graph")`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from crl_learning.goal_policy import GoalPolicy
from crl_learning.machine import CPU, computing_on
from crl_learning.planning.chain import Chain
from crl_learning.planning.export import load_planner
from crl_learning.planning.graph import GraphPlanner
from crl_learning.planning.interpolation import InterpolationPlanner, Psi
from crl_learning.planning.plan import PLANNERS, Planner
from crl_learning.planning.ticks import critic_ticks, from_one
from crl_learning.progress.calibration import Calibration
from crl_learning.progress.export import load_progress
from crl_robot.errors import CheckpointError, ConfigError, nearest


def planner_of(checkpoint: Path, name: str, device: torch.device = CPU) -> Planner:
    """The planner of that name, with networks of its own, so that it may work beside a policy that acts.

    Raises:
        CheckpointError: the checkpoint cannot be used, is not calibrated, has no map, or no chain for interpolation.
        ConfigError: no planner has this name, or the device cannot run it.
    """
    if name not in PLANNERS[1:]:
        raise ConfigError(f"planner is '{name}'; {nearest(name, PLANNERS)}")
    with computing_on(device, f"the planner of {checkpoint}"):
        return _planner(checkpoint, name, device)


def _planner(checkpoint: Path, name: str, device: torch.device) -> Planner:
    """Runs its largest batch once, so that a device without memory for it is found now and not amid a run."""
    policy, calibration = GoalPolicy.load(checkpoint, device), require_calibration(checkpoint)
    export, ticks = load_planner(checkpoint, calibration), critic_ticks(policy, calibration)
    from_one(ticks, export.frames.images[0], export.frames.images)
    if name == "graph":
        return GraphPlanner(export.frames, export.edges, ticks)
    if export.chain is None:
        raise CheckpointError(
            f"{checkpoint} cannot interpolate: its algorithm '{policy.meta.algorithm}' has no critic that sees one "
            "image by itself, which the state-only encoder of the closed form is learned on; use planner:=graph, or a "
            "checkpoint of a contrastive algorithm"
        )
    psi = psi_of(policy, export.chain)
    transition = export.chain.transition.detach().numpy().astype(np.float64)
    return InterpolationPlanner(export.frames, psi(export.frames.images), transition, export.spread, psi, ticks)


def require_calibration(checkpoint: Path) -> Calibration:
    """The calibration of a checkpoint. Raises CheckpointError when it has none."""
    export = load_progress(checkpoint)
    if export is None or export.calibration is None:
        raise CheckpointError(
            f"{checkpoint} is not calibrated, so nothing tells how far a picture is; do it: crl-run calibrate "
            f"{checkpoint} --data STORE"
        )
    return export.calibration


def psi_of(policy: GoalPolicy, chain: Chain) -> Psi:
    """Images to psi."""

    @torch.inference_mode()
    def psi(images: NDArray[np.uint8]) -> NDArray[np.float64]:
        return chain(torch.from_numpy(policy.encode(images))).numpy().astype(np.float64)

    return psi
