"""A run of a second: data, settings, and the networks that it ends with."""

from __future__ import annotations

import csv

import numpy as np
import torch

from crl_learning.checkpoint import load_checkpoint
from crl_learning.config import TrainConfig, load_train_config
from crl_learning.dataset import TrajectoryData
from crl_robot.contracts import ActionSpec
from crl_robot.image_spec import ImageSpec

SMALL = (
    "data=none",
    "device=cpu",
    "precision=fp32",
    "threads=1",
    "batch_size=8",
    "network.channels=[4,4,4]",
    "network.features=16",
    "network.hidden=[16]",
    "network.repr_dim=4",
    "log_every=3",
    "validate_every=5",
    "checkpoint_every=4",
    "image.size=[16,16]",
    "validation=0.2",
    "steps=12",
)


def config_for(out, *words: str) -> TrainConfig:
    return load_train_config([*SMALL, f"out={out}", *words])


def bar_data() -> TrajectoryData:
    """A bright bar whose column is what the first entry of the action moves."""
    rng = np.random.default_rng(0)
    lengths = np.full(6, 10)
    actions = np.zeros((60, 7), np.float32)
    actions[:, 0] = rng.uniform(-0.05, 0.05, 60)
    images = np.zeros((60, 16, 16, 3), np.uint8)
    for i, column in enumerate(8 + np.cumsum(actions[:, 0]) * 20):
        images[i, :, int(column) % 16] = 255
    spec = ImageSpec(size=(16, 16))
    return TrajectoryData(images, actions, lengths, spec, ActionSpec(), fingerprint="f" * 64)


def networks_of(checkpoint) -> dict[str, torch.Tensor]:
    """All tensors of a checkpoint."""
    loaded = load_checkpoint(checkpoint)
    return {f"policy.{k}": v for k, v in loaded.policy.items()} | {
        f"critic.{k}": v for k, v in (loaded.critic or {}).items()
    }


def equal_networks(one, other) -> bool:
    first, second = networks_of(one), networks_of(other)
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def rows(folder) -> list[dict[str, str]]:
    """The curves of a run."""
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def stop_after(trainer, step: int):
    """What asks a run to stop after so many steps."""
    return lambda: trainer.progress.step >= step
