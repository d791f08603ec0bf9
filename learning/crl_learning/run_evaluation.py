"""What a run finds out about its checkpoints: how well they act in the simulation, and how far their estimate is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from crl_learning.config import EvaluationConfig
from crl_robot.arm_model import ROBOT_NAMES
from crl_robot.errors import StoreError
from crl_robot.robots import WIDOWX, robot

if TYPE_CHECKING:
    from crl_learning.evaluate import AnyJob


EVALUATION = "evaluation"
"""First part of the name of a metric that comes of trials; the task and what was counted follow, each after a /."""
SUCCESS, TRIALS = "success_final", "trials"


def evaluate_checkpoint(folder: Path, config: EvaluationConfig, robot_of_data: str) -> dict[str, float]:
    """Success of a checkpoint, final and any-time, each a share, and of how many trials; changes nothing of the run.

    Raises CrlError.
    """
    from crl_learning.evaluate import run_jobs

    threads = torch.get_num_threads()
    try:
        (trials,) = run_jobs([_job(folder, config, robot_of_data)], config.workers)
    finally:
        torch.set_num_threads(threads)  # trials take one
    found = {which: sum(getattr(trial, which) for trial in trials) / len(trials) for which in (SUCCESS, "success_any")}
    return {f"{EVALUATION}/{config.task}/{name}": value for name, value in {**found, TRIALS: len(trials)}.items()}


def _job(folder: Path, config: EvaluationConfig, robot_of_data: str) -> AnyJob:
    """The trials of an evaluation, on one of OGBench's tasks or on one of the robot that moved."""
    from crl_data.ogbench.names import is_ogbench
    from crl_learning.actors import Subject
    from crl_learning.evaluate import Job
    from crl_learning.ogbench.runner import OgbenchJob

    subject, task = Subject(checkpoint=str(folder)), str(config.task)
    if is_ogbench(task):
        return OgbenchJob(subject, task, config.seed, config.episodes)
    name = next((name for name in ROBOT_NAMES if robot(name).data_name == robot_of_data), WIDOWX.name)
    return Job(subject, task, config.seed, config.episodes, name)


def calibrate_checkpoint_of(folder: Path, store: str, held_out: Sequence[str]) -> str:
    """Measure the progress signal of a finished checkpoint on the episodes it was not trained on; a sentence.

    Raises CheckpointError; data that do not suffice are no error.
    """
    from crl_learning.progress.calibrate import calibrate_checkpoint

    try:
        calibrate_checkpoint(folder, store, held_out)
    except StoreError as error:
        return f"Its progress signal is not calibrated: {error}"
    return f"Its progress signal is calibrated on {len(held_out)} held-out trajectories."
