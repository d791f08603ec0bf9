"""Goal-conditioned implicit V-learning: GCIQL without a critic of actions, as in OGBench (Park et al. 2024)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from crl_learning.algorithm_config import AlgorithmConfig
from crl_learning.algorithms.actor_losses import cloning_by_advantage
from crl_learning.algorithms.algorithm import Algorithm, Info, cloned_inputs, goals_of_actor, needed
from crl_learning.algorithms.iql import backed_up, expectile_loss, reached
from crl_learning.batch import Batch
from crl_learning.network_config import NetworkConfig
from crl_learning.networks.policy import Policy
from crl_learning.networks.target import target_of
from crl_learning.networks.values import ValueNetwork

Values = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""States, goals and the arm's state to values (T, B)."""


def ivl_loss(value: Values, target: Values, batch: Batch, settings: AlgorithmConfig) -> tuple[Tensor, Info]:
    """Each V regresses to its own target's r + gamma V(s', g).

    The sign of the advantage, which decides the expectile's side, comes from the targets alone: the smaller of the next
    values against the mean of the present ones (Park et al. 2023).
    """
    next_states = needed(batch.next_states, "next_states", settings.name)
    at_goal = reached(batch, settings.reached)
    with torch.no_grad():
        next_values = target(next_states, batch.goals, batch.next_proprio)  # (T, B)
        best = backed_up(next_values.min(dim=0).values, at_goal, settings.gamma)
        advantage = best - target(batch.states, batch.goals, batch.proprio).mean(0)
        aims = backed_up(next_values, at_goal, settings.gamma)
    values = value(batch.states, batch.goals, batch.proprio)
    loss = expectile_loss(advantage, aims - values, settings.expectile).sum(0).mean()
    return loss, {"value_loss": loss.detach(), "value_mean": values.detach().mean()}


class Gcivl(Algorithm[Policy, ValueNetwork]):
    """Policy and twin values with targets."""

    def __init__(self, size: Sequence[int], free: Tensor, algorithm: AlgorithmConfig, network: NetworkConfig) -> None:
        super().__init__()
        self.policy = Policy(size, network, free)
        self.critic = ValueNetwork(size, network, heads=network.critics)
        self._target = target_of(self.critic)
        self._algorithm, self.tau = algorithm, algorithm.tau

    def loss(self, batch: Batch) -> tuple[Tensor, Info]:
        """Value and actor loss, added."""
        value_loss, info = ivl_loss(_values(self.critic), _values(self._target), batch, self._algorithm)
        actor_loss, actor_info = self.actor_loss(batch)
        return value_loss + actor_loss, info | actor_info

    def actor_loss(self, batch: Batch) -> tuple[Tensor, Info]:
        """Cloning, weighted by how much nearer to the goal the data's action led."""
        mean = self.policy(*cloned_inputs(batch), batch.proprio)
        return cloning_by_advantage(mean, batch, self._algorithm, lambda: self._advantage(batch))

    def followers(self) -> list[tuple[nn.Module, nn.Module]]:
        """The targets."""
        return [(self._target, self.critic)]

    @torch.no_grad()
    def _advantage(self, batch: Batch) -> Tensor:
        """(B,) V(s', g) - V(s, g) of the data's steps."""
        goals = goals_of_actor(batch)
        next_states = needed(batch.next_states, "next_states", "gcivl")
        after = self.critic(next_states, goals, proprio=batch.next_proprio).mean(0)
        return after - self.critic(batch.states, goals, proprio=batch.proprio).mean(0)


def _values(network: ValueNetwork) -> Values:
    return lambda states, goals, proprio: network(states, goals, proprio=proprio)
