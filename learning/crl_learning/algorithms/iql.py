"""What the IQL family shares: rewards of goals, expectile regression, bootstrapped targets."""

from __future__ import annotations

import torch
from torch import Tensor

from crl_learning.algorithms.algorithm import needed
from crl_learning.batch import Batch


def expectile_loss(advantage: Tensor, difference: Tensor, expectile: float) -> Tensor:
    """|expectile - 1(advantage < 0)| * difference^2, elementwise (Kostrikov et al. 2021).

    Plain IQL passes the same tensor twice; HIQL and OGBench's GCIVL take the sign from the target networks.
    """
    return torch.where(advantage >= 0, expectile, 1 - expectile) * difference.square()


def reached(batch: Batch, when: str) -> Tensor:
    """float32 (B,): 1 where the state is at the goal ('current') or the action leads there at once ('next')."""
    offsets = needed(batch.goal_offsets, "goal_offsets", "a value function")
    at = (offsets == 0) | (offsets == 1) if when == "next" else offsets == 0
    return at.to(torch.float32)


def backed_up(next_value: Tensor, at_goal: Tensor, gamma: float) -> Tensor:
    """r + gamma * (1 - at_goal) * V(s', g), with r = 0 at the goal and -1 elsewhere; broadcasts over twins."""
    return (at_goal - 1) + gamma * (1 - at_goal) * next_value
