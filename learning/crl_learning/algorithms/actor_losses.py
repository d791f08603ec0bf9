"""What actors minimise: cloning, climbing a critic beside it, and cloning weighted by advantage."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from crl_learning.algorithm_config import AlgorithmConfig
from crl_learning.algorithms.algorithm import Info
from crl_learning.batch import Batch

LARGEST_WEIGHT = 100.0
"""Of one sample, exp(scale * advantage) is cut off here, as in OGBench and Bridge V2."""
SMALLEST_SCALE = 1e-6


def log_likelihood(mean: Tensor, actions: Tensor, std: float, valid: Tensor | None = None) -> Tensor:
    """Of actions (B, K * A) under N(mean, std^2), summed over entries -> (B,).

    Actions of a chunk that are not ``valid`` (bool (B, K)) do not count.
    """
    constant = math.log(std) + 0.5 * math.log(2 * math.pi)
    each = -(0.5 * (actions - mean).square() / std**2 + constant)
    return each.sum(-1) if valid is None else (each * spread(valid, each)).sum(-1)


def cloning_loss(mean: Tensor, actions: Tensor, std: float, valid: Tensor | None = None) -> tuple[Tensor, Info]:
    """Negative log likelihood of actions under the policy, averaged over the batch; see `log_likelihood`."""
    loss = -log_likelihood(mean, actions, std, valid).mean()
    return loss, {"bc_loss": loss.detach(), "action_error": action_error(mean, actions, valid)}


def climbing_loss(cloning: Tensor, value: Tensor, config: AlgorithmConfig) -> tuple[Tensor, Info]:
    """Cloning loss and critic's values (B,) of the policy's actions, weighed against each other.

    'convex': bc_coef * cloning - (1 - bc_coef) * value, as Stable CRL; 'additive': bc_coef * cloning - value, as
    DDPG+BC in OGBench. With ``normalise_q`` values are divided by their mean size in the batch, so that the weights
    mean the same at any scale of the critic.
    """
    info = {"value": value.detach().mean()}
    if config.normalise_q:
        value = value / value.detach().abs().mean().clamp(min=SMALLEST_SCALE)
    weight = 1 - config.bc_coef if config.weighting == "convex" else 1.0
    return config.bc_coef * cloning - weight * value.mean(), info


def advantage_loss(likelihood: Tensor, advantage: Tensor, scale: float) -> tuple[Tensor, Info]:
    """Advantage-weighted regression: -exp(scale * advantage) * log likelihood, both (B,); the weights are constants."""
    weight = (scale * advantage.detach()).exp().clamp(max=LARGEST_WEIGHT)
    loss = -(weight * likelihood).mean()
    return loss, {"advantage": advantage.detach().mean(), "advantage_weight": weight.mean()}


def cloning_by_advantage(
    mean: Tensor, batch: Batch, config: AlgorithmConfig, advantage: Callable[[], Tensor]
) -> tuple[Tensor, Info]:
    """Cloning of the batch's actions, weighted by their advantage (B,); of all alike where ``critic_term`` is off."""
    likelihood = log_likelihood(mean, batch.actions, config.std, batch.action_valid)
    cloning = -likelihood.mean()
    info = {"bc_loss": cloning.detach(), "action_error": action_error(mean, batch.actions, batch.action_valid)}
    if not config.critic_term:
        return cloning, info
    loss, more = advantage_loss(likelihood, advantage(), config.advantage_scale)
    return loss, info | more


def action_error(mean: Tensor, actions: Tensor, valid: Tensor | None = None) -> Tensor:
    """Root mean square over the entries that count, in normalised actions."""
    error = (actions - mean).detach().square()
    if valid is None:
        return error.mean().sqrt()
    counts = spread(valid, error)
    return ((error * counts).sum() / counts.sum()).sqrt()


def spread(valid: Tensor, actions: Tensor) -> Tensor:
    """Bool (B, K) -> 0 or 1 for every entry of actions (B, K * A)."""
    each = actions.shape[-1] // valid.shape[-1]
    return torch.repeat_interleave(valid.to(actions.dtype), each, dim=-1)
