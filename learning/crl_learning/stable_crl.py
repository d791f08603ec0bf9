"""Stable contrastive RL: learn what comes after what by telling true futures from others, then act to make the goal
the likely future.

Zheng et al., "Stabilizing Contrastive RL: Techniques for Robotic Goal Reaching from Offline Data" (2023), in its
noise-contrastive form: the critic's positives are geometric future goals, its negatives the other goals of the batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from crl_learning.batches import Batch
from crl_learning.config import AlgorithmConfig, NetworkConfig
from crl_learning.gcbc import Info, cloning_loss
from crl_learning.networks import Critic, Policy, all_scores, pair_scores


def contrastive_loss(logits: Tensor) -> tuple[Tensor, Info]:
    """Binary noise-contrastive loss of logits float32 (2, B, B), where [t, i, j] scores state-action i with goal j.

    Per row: -log sigmoid of the true goal, plus the mean of -log(1 - sigmoid) over the B - 1 others, so that positives
    and negatives weigh the same at any batch size. Averaged over rows and twins.
    """
    batch = logits.shape[-1]
    true = logits.diagonal(dim1=-2, dim2=-1)  # (2, B)
    others = (softplus(logits).sum(-1) - softplus(true)) / (batch - 1)  # (2, B)
    loss = (softplus(-true) + others).mean()
    scores = logits.detach().mean(0)
    hits = scores.argmax(-1) == torch.arange(batch, device=logits.device)
    positive, total = true.detach().mean(), scores.sum() / batch
    return loss, {
        "critic_loss": loss.detach(),
        "accuracy": hits.float().mean(),
        "logit_true": positive,
        "logit_other": (total - positive) / (batch - 1),
    }


def value_of(phi: Tensor, psi: Tensor) -> Tensor:
    """The smaller of the twins' scores: (2, B, R), (2, B, R) -> (B,)."""
    return pair_scores(phi, psi).min(dim=0).values


class StableCrl(nn.Module):
    """Policy and critic with their losses.

    Both are updated from one backward pass: the actor's loss sees the critic's encodings detached and its heads frozen,
    so it reaches the policy alone, and no gradient is computed to be thrown away.
    """

    def __init__(self, size: tuple[int, int], free: Tensor, algorithm: AlgorithmConfig, network: NetworkConfig) -> None:
        super().__init__()
        self.policy = Policy(size, network, free)
        self.critic = Critic(size, network, algorithm.cold_heads)
        self._algorithm = algorithm

    def loss(self, batch: Batch) -> tuple[Tensor, Info]:
        """The sum of critic and actor loss, and all metrics; call under autocast or not."""
        state, goal = self._encode(batch)
        psi = self.critic.goal(goal)
        critic_loss, info = contrastive_loss(all_scores(self.critic.state_action(state, batch.actions), psi))
        actor_loss, actor_info = self.actor_loss(batch, state.detach(), psi.detach())
        return critic_loss + actor_loss, info | actor_info

    def actor_loss(self, batch: Batch, state: Tensor, psi: Tensor) -> tuple[Tensor, Info]:
        """bc_coef * cloning - (1 - bc_coef) * min-twin f(s, a', g), with a' a sample of the policy.

        Args:
            batch: images and actions.
            state: (B, F) encoded states, detached.
            psi: (2, B, R) goal representations, detached.
        """
        mean = self.policy(batch.states, batch.goals)
        cloning, info = cloning_loss(mean, batch.actions, self._algorithm.std)
        if not self._algorithm.critic_term:
            return cloning, info
        action = mean + self._algorithm.std * batch.noise * self.policy.free
        with _frozen(self.critic.phi):
            value = value_of(self.critic.state_action(state, action), psi).mean()
        weight = self._algorithm.bc_coef
        return weight * cloning - (1 - weight) * value, info | {"value": value.detach()}

    @torch.no_grad()
    def validate(self, batch: Batch) -> Info:
        """Metrics of a batch that is not trained on."""
        return self.loss(batch)[1]

    def _encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """States and goals (B, F) each, encoded in one batch."""
        state, goal = self.critic.encoder(torch.cat([batch.states, batch.goals])).chunk(2)
        return state, goal


@contextmanager
def _frozen(module: nn.Module) -> Iterator[None]:
    """Gradients flow through the module's inputs but not into its parameters."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)
