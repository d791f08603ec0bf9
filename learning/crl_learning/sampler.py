"""Which observation is the state and which one is its goal: pure functions of the random numbers of a batch.

They compute wherever the numbers lie, the CPU or a GPU, and never wait for it. `draws.py` makes the numbers.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from crl_learning.config import GoalMixture
from crl_learning.dataset import Transitions
from crl_learning.draws import GoalDraws

RANDOM_GOAL = -1
"""Offset of a goal that lies in no known number of steps."""


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


def clamped_offset(remaining: Tensor, gamma: float, uniform: Tensor) -> Tensor:
    """Offsets k >= 1 with p(k) = (1 - gamma) gamma^(k-1); what would pass the end of the trajectory becomes its end.

    As OGBench draws goals: the last observation gets all the mass gamma^(remaining-1) of what lies beyond it.
    """
    offset = torch.ceil(torch.log1p(-uniform) / math.log(gamma)).to(torch.int64)
    return torch.minimum(offset.clamp(min=1), remaining)


def uniform_offset(remaining: Tensor, uniform: Tensor) -> Tensor:
    """Offsets int64 (B,), each of 1..remaining equally likely; ``uniform`` is float64 (B,) in [0, 1)."""
    return 1 + (uniform * remaining).to(torch.int64)


def future_offset(mixture: GoalMixture, remaining: Tensor, uniform: Tensor) -> Tensor:
    """Offsets int64 (B,) of future goals by the mixture's law."""
    if mixture.law == "uniform":
        return uniform_offset(remaining, uniform)
    law = geometric_offset if mixture.law == "geometric" else clamped_offset
    return law(remaining, mixture.gamma, uniform)


def sample_goals(
    mixture: GoalMixture, transitions: Transitions, state: Tensor, remaining: Tensor, draws: GoalDraws
) -> tuple[Tensor, Tensor]:
    """Goals of the states at ``state`` (B,), each with ``remaining`` (B,) observations after it.

    Returns:
        positions int64 (B,), and offsets int64 (B,): steps from the state, `RANDOM_GOAL` for a random one (0 where it
        happens to be the state itself).
    """
    offset = future_offset(mixture, remaining, draws.future)
    goal = state + offset
    if draws.kind is None or draws.other is None:
        return goal, offset
    near = mixture.random + mixture.next
    offset = torch.where(draws.kind < near + mixture.current, 0, offset)
    offset = torch.where(draws.kind < near, 1, offset)
    anywhere = transitions.observations[(draws.other * len(transitions.observations)).to(torch.int64)]
    is_random = draws.kind < mixture.random
    goal = torch.where(is_random, anywhere, state + offset)
    known = torch.where(goal == state, 0, RANDOM_GOAL)
    return goal, torch.where(is_random, known, offset)


def chunk_positions(state: Tensor, run: Tensor, chunk: int) -> tuple[Tensor, Tensor]:
    """Where the actions of the next ``chunk`` steps lie, and which of them are steps of the same trajectory.

    Args:
        state: int64 (B,).
        run: int64 (B,) transitions in a row from there on, at least 1.
        chunk: K.

    Returns:
        int64 (B, K), the last of the run repeated after its end, and bool (B, K).
    """
    ahead = torch.arange(chunk, device=state.device)
    return state[:, None] + torch.minimum(ahead, run[:, None] - 1), ahead < run[:, None]
