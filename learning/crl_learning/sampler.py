"""Which observation is the state and which later one is its goal: pure functions of a `torch.Generator`."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from crl_learning.dataset import Transitions


def geometric_offset(remaining: Tensor, gamma: float, uniform: Tensor) -> Tensor:
    """Offsets k in 1..remaining with p(k) proportional to gamma^(k-1), by the exact inverse of the distribution.

    Truncated at the end of the trajectory and renormalised, never clamped: clamping would pile up goals on the last
    observation. P(K <= k) = (1 - gamma^k) / (1 - gamma^remaining).

    Args:
        remaining: int64 (B,) largest offset, at least 1.
        gamma: discount per step, between 0 and 1.
        uniform: float64 (B,) in [0, 1).
    """
    mass = -torch.expm1(remaining * math.log(gamma))
    offset = torch.ceil(torch.log1p(-uniform * mass) / math.log(gamma)).to(torch.int64)
    return torch.minimum(offset.clamp(min=1), remaining)


def uniform_offset(remaining: Tensor, uniform: Tensor) -> Tensor:
    """Offsets int64 (B,), each of 1..remaining equally likely; ``uniform`` is float64 (B,) in [0, 1)."""
    return 1 + (uniform * remaining).to(torch.int64)


def sample_pairs(
    transitions: Transitions, batch_size: int, goals: str, gamma: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """State and goal positions, int64 (B,) each: transitions uniformly, goals 'geometric' or 'uniform' after them."""
    drawn = torch.randint(len(transitions), (batch_size,), generator=generator)
    uniform = torch.rand(batch_size, dtype=torch.float64, generator=generator)
    state, remaining = transitions.index[drawn], transitions.remaining[drawn]
    offset = geometric_offset(remaining, gamma, uniform) if goals == "geometric" else uniform_offset(remaining, uniform)
    return state, state + offset
