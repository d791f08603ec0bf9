"""Goal-conditioned behaviour cloning: do what the data did on the way to that goal."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from crl_learning.batches import Batch
from crl_learning.config import AlgorithmConfig, NetworkConfig
from crl_learning.networks import Policy

Info = dict[str, Tensor]


def cloning_loss(mean: Tensor, actions: Tensor, std: float) -> tuple[Tensor, Info]:
    """Negative log likelihood of actions (B, 7) under N(mean, std^2), summed over entries, averaged over the batch."""
    error = (actions - mean).square()
    constant = math.log(std) + 0.5 * math.log(2 * math.pi)
    loss = (0.5 * error / std**2 + constant).sum(-1).mean()
    return loss, {"bc_loss": loss.detach(), "action_error": error.detach().mean().sqrt()}


class Gcbc(nn.Module):
    """A policy alone."""

    def __init__(self, size: tuple[int, int], free: Tensor, algorithm: AlgorithmConfig, network: NetworkConfig) -> None:
        super().__init__()
        self.policy = Policy(size, network, free)
        self.critic = None
        self._std = algorithm.std

    def loss(self, batch: Batch) -> tuple[Tensor, Info]:
        """The loss to minimise and its metrics; call under autocast or not."""
        return cloning_loss(self.policy(batch.states, batch.goals), batch.actions, self._std)

    @torch.no_grad()
    def validate(self, batch: Batch) -> Info:
        """Metrics of a batch that is not trained on."""
        return self.loss(batch)[1]
