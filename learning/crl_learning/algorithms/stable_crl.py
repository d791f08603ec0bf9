"""Stable contrastive RL: learn what comes after what by telling true futures from others, then act to make the goal
the likely future.

Zheng et al., "Stabilizing Contrastive RL: Techniques for Robotic Goal Reaching from Offline Data" (2023), with the
critic's objective as a switch; the original contrastive RL (Eysenbach et al. 2022) is the same with other settings.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from crl_learning.algorithm_config import AlgorithmConfig
from crl_learning.algorithms.actor_losses import climbing_loss, cloning_loss
from crl_learning.algorithms.algorithm import Algorithm, Info, cloned_inputs, goals_of_actor, needed
from crl_learning.algorithms.contrastive import (
    bootstrap_weight,
    infonce_loss,
    logit_metrics,
    nce_loss,
    td_loss,
)
from crl_learning.batch import Batch
from crl_learning.network_config import NetworkConfig
from crl_learning.networks.critic import Critic, all_scores, pair_scores
from crl_learning.networks.policy import Policy
from crl_learning.networks.target import target_of

METRIC_ROWS = 256
"""Of a td batch, so many samples are told apart from each other for the metrics."""


def value_of(phi: Tensor, psi: Tensor) -> Tensor:
    """The smaller of the twins' scores: (T, B, R), (T, B, R) -> (B,)."""
    return pair_scores(phi, psi).min(dim=0).values


class StableCrl(Algorithm[Policy, Critic]):
    """Policy and critic with their losses.

    Both are updated from one backward pass: the actor's loss sees the critic's encodings detached and its heads frozen,
    so it reaches the policy alone, and no gradient is computed to be thrown away.
    """

    def __init__(self, size: Sequence[int], free: Tensor, algorithm: AlgorithmConfig, network: NetworkConfig) -> None:
        super().__init__()
        self.policy = Policy(size, network, free)
        self.critic = Critic(size, network, algorithm.cold_heads, len(free))
        self._target = target_of(self.critic) if algorithm.objective == "td" else None
        self._algorithm, self.tau = algorithm, algorithm.tau

    def loss(self, batch: Batch) -> tuple[Tensor, Info]:
        """The sum of critic and actor loss, and all metrics."""
        by_td = self._algorithm.objective == "td"
        goals = needed(batch.next_states, "next_states", "objective=td") if by_td else batch.goals
        state, goal = self.critic.encode(batch.states, goals)
        phi, psi = self.critic.state_action(state, batch.actions, batch.proprio), self.critic.goal(goal)
        critic_loss, info = self._td(batch, phi, psi) if by_td else self._contrast(phi, psi)
        info |= {"phi_norm": _size_of(phi), "psi_norm": _size_of(psi)}
        shared = (not by_td and batch.actor_goals is None) or not self._algorithm.critic_term
        actor_loss, actor_info = self.actor_loss(batch, state.detach(), psi.detach() if shared else self._aims(batch))
        return critic_loss + actor_loss, info | actor_info

    def actor_loss(self, batch: Batch, state: Tensor, psi: Tensor) -> tuple[Tensor, Info]:
        """Cloning against min-twin f(s, a', g), with a' a sample of the policy, or its mean.

        Args:
            batch: images and actions.
            state: (B, F) encoded states, detached.
            psi: (T, B, R) representations of the actor's goals, detached.
        """
        cloned = self.policy(*cloned_inputs(batch), batch.proprio)
        cloning, info = cloning_loss(cloned, batch.actions, self._algorithm.std, batch.action_valid)
        if not self._algorithm.critic_term:
            return cloning, info
        apart = batch.cloned_states is not None
        mean = self.policy(batch.states, goals_of_actor(batch), batch.proprio) if apart else cloned
        action = self._action(mean, batch.noise)
        value = value_of(self.critic.state_action(state, action, batch.proprio, constant=True), psi)
        loss, climbing_info = climbing_loss(cloning, value, self._algorithm)
        return loss, info | climbing_info

    def followers(self) -> list[tuple[nn.Module, nn.Module]]:
        """The targets."""
        return [(self._target, self.critic)] if self._target is not None else []

    def _contrast(self, phi: Tensor, psi: Tensor) -> tuple[Tensor, Info]:
        """The goal of each state-action against the other goals of the batch."""
        settings, logits = self._algorithm, all_scores(phi, psi)
        if settings.objective == "nce":
            loss = nce_loss(logits, settings.nce_weights)
        else:
            loss = infonce_loss(logits, settings.infonce_sides, settings.logsumexp)
        return loss, {"critic_loss": loss.detach()} | logit_metrics(logits.detach())

    def _td(self, batch: Batch, phi: Tensor, psi: Tensor) -> tuple[Tensor, Info]:
        """Next states are the goals; those of the batch's neighbours are the random ones."""
        weight = self._bootstrap(batch)
        loss = td_loss(pair_scores(phi, psi), pair_scores(phi, psi.roll(-1, 1)), weight, self._algorithm.gamma)
        info = {"critic_loss": loss.detach(), "td_weight": weight.mean()}
        rows = slice(METRIC_ROWS)  # the loss needs no other logits than its own
        return loss, info | logit_metrics(all_scores(phi.detach()[:, rows], psi.detach()[:, rows]))

    @torch.no_grad()
    def _bootstrap(self, batch: Batch) -> Tensor:
        """(B,) how much more likely than by chance the random goals are from the next states on."""
        assert self._target is not None
        next_states = needed(batch.next_states, "next_states", "objective=td")
        noise = needed(batch.next_noise, "next_noise", "objective=td")
        mean = self.policy(next_states, next_states.roll(-1, 0), batch.next_proprio)
        action = mean + self._algorithm.std * noise * self.policy.free
        state = self._target.encoder(next_states)
        goal = state if self._target.goal_encoder is None else self._target.goal_encoder(next_states)
        phi = self._target.state_action(state, action, batch.next_proprio)
        return bootstrap_weight(pair_scores(phi, self._target.goal(goal).roll(-1, 1)), self._algorithm.td_clip)

    @torch.no_grad()
    def _aims(self, batch: Batch) -> Tensor:
        """(T, B, R) representations of the actor's goals."""
        return self.critic.prepare(goals_of_actor(batch))

    def _action(self, mean: Tensor, noise: Tensor) -> Tensor:
        """What the critic judges: a sample of the policy, or its clipped mean."""
        if self._algorithm.actor_action == "mean":
            return mean.clamp(-1, 1)
        return mean + self._algorithm.std * noise * self.policy.free


def _size_of(representation: Tensor) -> Tensor:
    """Mean length of representations (T, B, R)."""
    return torch.linalg.vector_norm(representation.detach(), dim=-1).mean()
