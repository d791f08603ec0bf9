"""Goal-conditioned implicit Q-learning: a value that expects the better actions of the data (Kostrikov et al. 2021),
with the goals, rewards and losses of OGBench (Park et al. 2024).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from crl_learning.algorithm_config import AlgorithmConfig
from crl_learning.algorithms.actor_losses import climbing_loss, cloning_by_advantage, cloning_loss
from crl_learning.algorithms.algorithm import Algorithm, Info, cloned_inputs, goals_of_actor, needed
from crl_learning.algorithms.iql import backed_up, expectile_loss, reached
from crl_learning.batch import Batch
from crl_learning.network_config import NetworkConfig
from crl_learning.networks.policy import Policy
from crl_learning.networks.target import target_of
from crl_learning.networks.values import ValueNetwork


class Gciql(Algorithm[Policy, ValueNetwork]):
    """Policy, twin critics Q(s, a, g) with targets, and one value V(s, g), which is exported as the critic."""

    def __init__(self, size: Sequence[int], free: Tensor, algorithm: AlgorithmConfig, network: NetworkConfig) -> None:
        super().__init__()
        self.policy = Policy(size, network, free)
        self.critic = ValueNetwork(size, network, heads=1)
        self._q = ValueNetwork(size, network, actions=len(free), heads=network.critics)
        self._target = target_of(self._q)
        self._algorithm, self.tau = algorithm, algorithm.tau

    def loss(self, batch: Batch) -> tuple[Tensor, Info]:
        """Value, critic and actor loss, added."""
        value_loss, value_info = self.value_loss(batch)
        critic_loss, critic_info = self.critic_loss(batch)
        actor_loss, actor_info = self.actor_loss(batch)
        return value_loss + critic_loss + actor_loss, value_info | critic_info | actor_info

    def value_loss(self, batch: Batch) -> tuple[Tensor, Info]:
        """V regresses to an expectile of the target critics' smaller Q."""
        with torch.no_grad():
            q = self._target(batch.states, batch.goals, batch.actions, batch.proprio).min(dim=0).values
        value = self.critic(batch.states, batch.goals, proprio=batch.proprio)[0]
        loss = expectile_loss(q - value, q - value, self._algorithm.expectile).mean()
        return loss, {"value_loss": loss.detach(), "value_mean": value.detach().mean()}

    def critic_loss(self, batch: Batch) -> tuple[Tensor, Info]:
        """Both Q regress to r + gamma V(s', g)."""
        next_states = needed(batch.next_states, "next_states", "gciql")
        with torch.no_grad():
            next_value = self.critic(next_states, batch.goals, proprio=batch.next_proprio)[0]
            target = backed_up(next_value, reached(batch, self._algorithm.reached), self._algorithm.gamma)
        q = self._q(batch.states, batch.goals, batch.actions, batch.proprio)
        loss = (q - target).square().sum(0).mean()
        return loss, {"critic_loss": loss.detach(), "q_mean": q.detach().mean()}

    def actor_loss(self, batch: Batch) -> tuple[Tensor, Info]:
        """The policy climbs Q beside cloning (DDPG+BC), or clones what has an advantage."""
        settings = self._algorithm
        cloned = self.policy(*cloned_inputs(batch), batch.proprio)
        if settings.actor == "advantage":
            return cloning_by_advantage(cloned, batch, settings, lambda: self._advantage(batch))
        cloning, info = cloning_loss(cloned, batch.actions, settings.std, batch.action_valid)
        if not settings.critic_term:
            return cloning, info
        loss, more = climbing_loss(cloning, self._value_of_policy(batch, cloned), settings)
        return loss, info | more

    def _value_of_policy(self, batch: Batch, cloned: Tensor) -> Tensor:
        """(B,) smaller Q of the policy's actions; its weights and encodings are constants."""
        goals, settings = goals_of_actor(batch), self._algorithm
        mean = cloned if batch.cloned_states is None else self.policy(batch.states, goals, batch.proprio)
        sampled = mean + settings.std * batch.noise * self.policy.free
        action = sampled if settings.actor_action == "sample" else mean
        with torch.no_grad():
            encoded = self._q.encode(batch.states, goals)
        return self._q.of_encoded(encoded, action.clamp(-1, 1), batch.proprio, constant=True).min(dim=0).values

    def followers(self) -> list[tuple[nn.Module, nn.Module]]:
        """The targets."""
        return [(self._target, self._q)]

    @torch.no_grad()
    def _advantage(self, batch: Batch) -> Tensor:
        """(B,) Q(s, a, g) - V(s, g) of the data's actions."""
        goals = goals_of_actor(batch)
        q = self._q(batch.states, goals, batch.actions, batch.proprio).min(dim=0).values
        return q - self.critic(batch.states, goals, proprio=batch.proprio)[0]
