"""Learns the state-only encoder of `interpolation` from what a checkpoint's critic sees in the frames of its data.

The critic's own psi(g) does not do: it is compared with phi(s, a), which knows an action, and nothing keeps its
distribution Gaussian. So a small network on the critic's frozen image encoder is trained anew, which takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from crl_learning.dataset import starts_of
from crl_learning.networks.mlp import Mlp
from crl_robot.errors import ConfigError, StoreError

HIDDEN = (128, 128)


@dataclass(frozen=True)
class ChainSettings:
    """How it is learned.

    Attributes:
        size: K, entries of psi.
        spread: c, the mean square of psi's entries; the greater, the less noise the chain has.
        gamma: of the geometric law of the steps from a state to its later one.
        batch, steps, rate: of Adam.
        seed: of weights and draws.
    """

    size: int = 8
    spread: float = 2.0
    gamma: float = 0.9
    batch: int = 256
    steps: int = 1000
    rate: float = 1e-3
    seed: int = 0

    def __post_init__(self) -> None:
        if not (self.size >= 1 and self.spread > 0 and 0 < self.gamma < 1 and self.batch >= 2 and self.steps >= 1):
            raise ConfigError(f"got {self}, expected a size, a spread, 0 < gamma < 1, 2 or more a batch, and steps")


class Chain(nn.Module):
    """psi of encoded images (B, F) -> (B, K), and the transition A (K, K) of the chain."""

    mean: Tensor
    std: Tensor
    scale: Tensor

    def __init__(self, features: int, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("scale", torch.ones(()))
        self.head = Mlp(features, HIDDEN, size)
        self.transition = nn.Parameter(torch.eye(size))

    def forward(self, features: Tensor) -> Tensor:
        return self.raw(features) * self.scale

    def raw(self, features: Tensor) -> Tensor:
        """psi before it is given its spread."""
        return self.head((features - self.mean) / self.std)

    def logits(self, psi: Tensor, later: Tensor) -> Tensor:
        """(B, K), (B, K) -> (B, B): minus half the squared distance of A psi from the later psi."""
        return -0.5 * torch.cdist(psi @ self.transition.T, later).square()


def train_chain(
    features: NDArray[np.float32],
    lengths: NDArray[np.int64],
    settings: ChainSettings,
    on_step: Callable[[], None] = lambda: None,
) -> tuple[Chain, dict[str, Any]]:
    """Learn the chain by symmetric InfoNCE on states and later states of the same trajectory.

    Args:
        features: (N, F) of all steps, trajectories end to end.
        lengths: (E,) steps of each trajectory.
        on_step: called after every gradient step.

    Returns:
        The chain, and facts: accuracy of picking the later state out of a batch.

    Raises:
        StoreError: no trajectory has two steps.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        chain = Chain(features.shape[1], settings.size)
    data = torch.from_numpy(features)
    chain.mean.copy_(data.mean(0))
    chain.std.copy_(data.std(0).clamp_min(1e-3))
    draw, target = _pairs(lengths, settings, generator), torch.arange(settings.batch)
    optimiser = torch.optim.Adam(chain.parameters(), settings.rate)
    right: list[float] = []
    for _ in range(settings.steps):
        raw = chain.raw(data[torch.cat(draw())])
        psi, later = (raw * _scale_to(settings.spread, raw)).chunk(2)
        logits = chain.logits(psi, later)
        optimiser.zero_grad()
        (cross_entropy(logits, target) + cross_entropy(logits.T, target)).backward()
        optimiser.step()
        right.append(float((logits.argmax(1) == target).float().mean()))
        on_step()
    with torch.no_grad():
        chain.scale.copy_(_scale_to(settings.spread, chain.raw(data)))
    return chain.eval(), {"accuracy": round(float(np.mean(right[-100:])), 4), "chance": round(1 / settings.batch, 4)}


def _scale_to(spread: float, raw: Tensor) -> Tensor:
    """Factor that gives raw psi (B, K) the mean square ``spread``: the published code holds it by a dual variable."""
    return (spread / raw.square().mean().clamp_min(1e-12)).sqrt()


def _pairs(
    lengths: NDArray[np.int64], settings: ChainSettings, generator: torch.Generator
) -> Callable[[], tuple[Tensor, Tensor]]:
    """Draws steps that have a later one, and the later ones; the geometric law is cut off where a trajectory ends."""
    ends = np.repeat(starts_of(lengths) + lengths - 1, lengths)
    left = torch.from_numpy(ends - np.arange(len(ends)))
    usable = torch.from_numpy(np.flatnonzero(left.numpy() > 0))
    if not len(usable):
        raise StoreError("no trajectory has two steps; give a store with longer episodes")

    def draw() -> tuple[Tensor, Tensor]:
        states = usable[torch.randint(len(usable), (settings.batch,), generator=generator)]
        uniform = torch.rand(settings.batch, generator=generator, dtype=torch.float64)
        tail = 1 - settings.gamma ** left[states].double()
        steps = 1 + torch.floor(torch.log1p(-uniform * tail) / np.log(settings.gamma)).long()
        return states, states + torch.minimum(steps, left[states])

    return draw
