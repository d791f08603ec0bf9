"""The training step of contrastive RL as one would first write it: what the fast one is compared with.

Eager, float32 and without tricks: every loss encodes what it looks at, critic and actor have a backward pass and an
optimiser each. The mathematics is that of `StableCrl`, so that both steps end in the same weights.
"""

from __future__ import annotations

import torch
from torch import Tensor

from crl_learning.algorithms.actor_losses import climbing_loss, cloning_loss
from crl_learning.algorithms.algorithm import goals_of_actor, needed
from crl_learning.algorithms.contrastive import bootstrap_weight, infonce_loss, nce_loss, td_loss
from crl_learning.algorithms.stable_crl import StableCrl, value_of
from crl_learning.batch import Batch
from crl_learning.config import AlgorithmConfig
from crl_learning.networks.critic import Critic, all_scores, pair_scores


class PlainStep:
    """Trains ``networks`` in place, on their device."""

    def __init__(self, networks: StableCrl, algorithm: AlgorithmConfig, learning_rate: float) -> None:
        self._networks, self._algorithm = networks, algorithm
        self._policy = list(networks.policy.parameters())
        self._critic = list(networks.critic.parameters())
        parts = (self._policy, self._critic)
        self._optimisers = [torch.optim.Adam(weights, lr=learning_rate, fused=True) for weights in parts]

    def run(self, batch: Batch) -> None:
        """Learn from one batch: both losses at the old weights, then both steps, then the target."""
        critic_loss, actor_loss = self.critic_loss(batch), self.actor_loss(batch)
        for optimiser in self._optimisers:
            optimiser.zero_grad()
        critic_loss.backward(inputs=self._critic)
        actor_loss.backward(inputs=self._policy)
        for optimiser in self._optimisers:
            optimiser.step()
        self._networks.after_step()

    def critic_loss(self, batch: Batch) -> Tensor:
        """Of telling true goals from others."""
        settings, critic = self._algorithm, self._networks.critic
        phi = critic.state_action(critic.encoder(batch.states), batch.actions, batch.proprio)
        if settings.objective == "td":
            next_states = needed(batch.next_states, "next_states", "objective=td")
            psi = critic.prepare(next_states)
            weight = self._bootstrap_weight(batch, next_states)
            return td_loss(pair_scores(phi, psi), pair_scores(phi, psi.roll(-1, 1)), weight, settings.gamma)
        logits = all_scores(phi, critic.prepare(batch.goals))
        if settings.objective == "nce":
            return nce_loss(logits, settings.nce_weights)
        return infonce_loss(logits, settings.infonce_sides, settings.logsumexp)

    def actor_loss(self, batch: Batch) -> Tensor:
        """Of cloning, and of the critic's value of what the policy does."""
        settings, policy, critic = self._algorithm, self._networks.policy, self._networks.critic
        goals = goals_of_actor(batch)
        cloned_states = batch.states if batch.cloned_states is None else batch.cloned_states
        cloned_goals = goals if batch.cloned_goals is None else batch.cloned_goals
        cloned = policy(cloned_states, cloned_goals, batch.proprio)
        cloning, _ = cloning_loss(cloned, batch.actions, settings.std, batch.action_valid)
        if not settings.critic_term:
            return cloning
        mean = policy(batch.states, goals, batch.proprio)
        sample = mean + settings.std * batch.noise * policy.free
        action = sample if settings.actor_action == "sample" else mean.clamp(-1, 1)
        phi = critic.state_action(critic.encoder(batch.states), action, batch.proprio)
        return climbing_loss(cloning, value_of(phi, critic.prepare(goals)), settings)[0]

    @torch.no_grad()
    def _bootstrap_weight(self, batch: Batch, next_states: Tensor) -> Tensor:
        """(B,) how much more likely than by chance the neighbour's next state is from one's own."""
        settings = self._algorithm
        ((target, _),) = self._networks.followers()
        assert isinstance(target, Critic)
        noise = needed(batch.next_noise, "next_noise", "objective=td")
        goals = next_states.roll(-1, 0)
        policy = self._networks.policy
        action = policy(next_states, goals, batch.next_proprio) + settings.std * noise * policy.free
        phi = target.state_action(target.encoder(next_states), action, batch.next_proprio)
        return bootstrap_weight(pair_scores(phi, target.prepare(goals)), settings.td_clip)
