"""Every random number of one batch, drawn before anything is computed from it.

The same numbers give the same batch from this sampler and from the plain NumPy one that tests compare it with. The
order is part of a run's reproducibility: what an option needs is drawn after what every run draws.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from crl_learning.config import BatchNeeds, GoalMixture


@dataclass(frozen=True)
class GoalDraws:
    """For one goal of each sample.

    Attributes:
        future: float64 (B,) in [0, 1), how far ahead.
        kind: float64 (B,) in [0, 1), which part of the mixture; None where all goals are future ones.
        other: float64 (B,) in [0, 1), which observation a random goal is.
    """

    future: Tensor
    kind: Tensor | None = None
    other: Tensor | None = None


@dataclass(frozen=True)
class Draws:
    """The numbers of a batch of B, on the generator's device.

    Attributes:
        row: int64 (B,) which transition.
        goals: of the critic's goals.
        shifts: int64 (B, 2) rows and columns of the crop, 0 where the coin says not to crop.
        noise: float32 (B, A), standard normal.
        actor_goals, next_noise: where they are needed.
        colours: float32 (B, 4) in [-1, 1) for brightness, contrast, saturation and hue, 0 where the coin says not to.
    """

    row: Tensor
    goals: GoalDraws
    shifts: Tensor
    noise: Tensor
    actor_goals: GoalDraws | None = None
    next_noise: Tensor | None = None
    colours: Tensor | None = None


@dataclass(frozen=True)
class DrawSettings:
    """How many numbers a batch needs, and within which bounds.

    Attributes:
        size: B.
        needs: what the algorithm asks for.
        crop_pixels, crop_probability: of the random shift.
        jitter: whether colours are changed, with ``jitter_probability``.
    """

    size: int
    needs: BatchNeeds
    crop_pixels: int
    crop_probability: float
    jitter: bool = False
    jitter_probability: float = 0.0


def draw(settings: DrawSettings, transitions: int, noise_width: int, generator: torch.Generator) -> Draws:
    """The numbers of one batch out of ``transitions`` rows."""
    size, needs, device = settings.size, settings.needs, generator.device
    row = torch.randint(transitions, (size,), generator=generator, device=device)
    future = _uniform(size, generator)
    shifts = _shifts(settings, generator)
    noise = torch.randn(size, noise_width, generator=generator, device=device)
    next_noise = torch.randn(size, noise_width, generator=generator, device=device) if needs.next_states else None
    goals = GoalDraws(future, *_mixed(needs.goals, size, generator))
    actor_goals = None
    if needs.actor_goals is not None:
        actor_goals = GoalDraws(_uniform(size, generator), *_mixed(needs.actor_goals, size, generator))
    colours = _colours(settings, generator) if settings.jitter else None
    return Draws(row, goals, shifts, noise, actor_goals, next_noise, colours)


def _mixed(mixture: GoalMixture, size: int, generator: torch.Generator) -> tuple[Tensor | None, Tensor | None]:
    if mixture.plain:
        return None, None
    return _uniform(size, generator), _uniform(size, generator)


def _uniform(size: int, generator: torch.Generator) -> Tensor:
    return torch.rand(size, dtype=torch.float64, generator=generator, device=generator.device)


def _shifts(settings: DrawSettings, generator: torch.Generator) -> Tensor:
    pixels, size, device = settings.crop_pixels, settings.size, generator.device
    shifts = torch.randint(-pixels, pixels + 1, (size, 2), generator=generator, device=device)
    return shifts * (torch.rand(size, 1, generator=generator, device=device) < settings.crop_probability)


def _colours(settings: DrawSettings, generator: torch.Generator) -> Tensor:
    size, device = settings.size, generator.device
    change = 2 * torch.rand(size, 4, generator=generator, device=device) - 1
    return change * (torch.rand(size, 1, generator=generator, device=device) < settings.jitter_probability)
