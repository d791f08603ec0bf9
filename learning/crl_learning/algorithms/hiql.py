"""Hierarchical implicit Q-learning (Park et al. 2023): a high level picks a subgoal, a low level acts towards it.

Both follow one value of goals, V(s, phi([s; g])). Subgoals are representations phi, so nothing has to be drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from crl_learning.algorithm_config import AlgorithmConfig
from crl_learning.algorithms.actor_losses import (
    action_error,
    advantage_loss,
    cloning_by_advantage,
    log_likelihood,
)
from crl_learning.algorithms.algorithm import Algorithm, Info, goals_of_actor, needed
from crl_learning.algorithms.gcivl import ivl_loss
from crl_learning.batch import Batch
from crl_learning.network_config import NetworkConfig
from crl_learning.networks.hierarchy import HierarchicalPolicy, HierarchicalValue
from crl_learning.networks.target import target_of

HIGH_STD = 1.0
"""Of the high level's Gaussian over representations, whose length is sqrt(repr_dim)."""


class Hiql(Algorithm[HierarchicalPolicy, HierarchicalValue]):
    """Policy of two levels and twin values with targets; the representation phi has no target, as in OGBench."""

    def __init__(self, size: Sequence[int], free: Tensor, algorithm: AlgorithmConfig, network: NetworkConfig) -> None:
        super().__init__()
        self.policy = HierarchicalPolicy(size, network, free)
        self.critic = HierarchicalValue(size, network)
        self._target = target_of(self.critic.value)
        self._algorithm, self.tau = algorithm, algorithm.tau

    def loss(self, batch: Batch) -> tuple[Tensor, Info]:
        """Value loss and those of both levels, added."""
        value_loss, info = ivl_loss(self.critic, self._slow_value, batch, self._algorithm)
        low_loss, low_info = self.low_loss(batch)
        high_loss, high_info = self.high_loss(batch)
        return value_loss + low_loss + high_loss, info | low_info | high_info

    def low_loss(self, batch: Batch) -> tuple[Tensor, Info]:
        """Cloning towards the state `subgoal_steps` later, weighted by how much nearer the action led."""
        settings = self._algorithm
        subgoals = needed(batch.subgoals, "subgoals", "hiql")
        next_states = needed(batch.next_states, "next_states", "hiql")
        with torch.set_grad_enabled(torch.is_grad_enabled() and settings.subgoal_gradient):
            subgoal = self.critic.subgoal(batch.states, subgoals)
        mean = self.policy.low(batch.states, subgoal)

        @torch.no_grad()
        def advantage() -> Tensor:
            before = self.critic.value(batch.states, subgoal).mean(0)
            return self.critic(next_states, subgoals).mean(0) - before

        return cloning_by_advantage(mean, batch, settings, advantage)

    def high_loss(self, batch: Batch) -> tuple[Tensor, Info]:
        """Name the state `subgoal_steps` later on the way to the goal, weighted by how much nearer it is."""
        goals = goals_of_actor(batch)
        ahead = needed(batch.subgoal_targets, "subgoal_targets", "hiql")
        with torch.no_grad():
            subgoal = self.critic.subgoal(batch.states, ahead)
        mean = self.policy.high(batch.states, goals)
        likelihood = log_likelihood(mean, subgoal, HIGH_STD)
        info = {"subgoal_error": action_error(mean, subgoal)}
        if not self._algorithm.critic_term:
            return -likelihood.mean(), info
        with torch.no_grad():
            advantage = (self.critic(ahead, goals) - self.critic(batch.states, goals)).mean(0)
        loss, more = advantage_loss(likelihood, advantage, self._algorithm.high_advantage_scale)
        return loss, info | {f"high_{name}": value for name, value in more.items()}

    def followers(self) -> list[tuple[nn.Module, nn.Module]]:
        """The targets."""
        return [(self._target, self.critic.value)]

    def _slow_value(self, states: Tensor, goals: Tensor, proprio: Tensor | None = None) -> Tensor:
        """The target's values (T, B) of the present representation."""
        return self._target(states, self.critic.subgoal(states, goals))
