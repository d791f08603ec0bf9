"""From the data to one training batch on the device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from crl_learning.action_scale import ActionScale
from crl_learning.augment import sample_shifts
from crl_learning.dataset import TrajectoryData, Transitions
from crl_learning.image_source import image_source
from crl_learning.sampler import sample_pairs


@dataclass(frozen=True)
class Batch:
    """What a loss sees.

    Attributes:
        states, goals: uint8 (B, H, W, 3); goal i comes later in the trajectory of state i.
        actions: float32 (B, 7), normalised, taken in the states.
        noise: float32 (B, 7), standard normal, for the actor's sample.
    """

    states: Tensor
    goals: Tensor
    actions: Tensor
    noise: Tensor


@dataclass(frozen=True)
class BatchSettings:
    """How batches are drawn; see configs/train.yaml."""

    size: int
    goals: str
    gamma: float
    crop_pixels: int
    crop_probability: float


class Batches:
    """Draws batches; everything random comes from the CPU generator passed in, on whatever device the data lie."""

    def __init__(self, data: TrajectoryData, scale: ActionScale, settings: BatchSettings, device: torch.device) -> None:
        self._settings = settings
        self._device = device
        self._images = image_source(data.images, device)
        self._actions = torch.from_numpy(scale.normalise(data.actions)).to(device)

    def draw(self, transitions: Transitions, generator: torch.Generator) -> Batch:
        """One batch; a state and its goal are cropped alike, so that what differs between them is what moved."""
        settings = self._settings
        state, goal = sample_pairs(transitions, settings.size, settings.goals, settings.gamma, generator)
        shifts = sample_shifts(settings.size, settings.crop_pixels, settings.crop_probability, generator)
        noise = torch.randn(settings.size, self._actions.shape[1], generator=generator)
        return Batch(
            self._images.take(state, shifts),
            self._images.take(goal, shifts),
            self._actions.index_select(0, state.to(self._device, non_blocking=True)),
            noise.to(self._device, non_blocking=True),
        )
