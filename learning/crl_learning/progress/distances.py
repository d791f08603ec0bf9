"""How far the networks see a view from a goal: 0 at the goal, and only there.

The critic's score itself is no such thing: f(s, ., g) is highest a step before the goal, where the goal is the likely
next thing, and its zero differs from goal to goal. Distances between what the networks make of the view and of the
goal have neither fault.
"""

from __future__ import annotations

import torch
from torch import Tensor

from crl_learning.acting import ActingNetworks
from crl_learning.networks.critic import Critic
from crl_learning.networks.hierarchy import HierarchicalValue
from crl_learning.networks.policy import Policy
from crl_learning.networks.values import ValueNetwork

Sides = tuple[Tensor, ...]


class GoalDistances:
    """Distances of views from the goal that is set, or of any states from any goals.

    With a contrastive critic there are two: of the encoded images, and of phi(s, pi(s, g)) and phi(g, pi(g, g)),
    averaged over the twins. HIQL has two: of the subgoal representations phi([s; g]) and phi([g; g]), and of the values
    V(s, g) and V(g, g), which stand for a discounted number of steps. Without any of these there is a single distance:
    of what the encoder of value or policy, which sees both images at once, makes of (s, g) and of (g, g).
    """

    def __init__(self, networks: ActingNetworks) -> None:
        self._networks = networks
        self._goal: Tensor | None = None
        self._at_goal: Sides = ()

    @torch.inference_mode()
    def set_goal(self, goal: Tensor) -> None:
        """Take a goal (1, ...) as the networks see it."""
        self._goal, self._at_goal = goal, self._side(goal, goal)

    @torch.inference_mode()
    def of_acted(self, state: Tensor) -> Tensor:
        """Distances float32 (D,) of the state (1, ...) that was acted on last from the goal; (0,) before one is set.

        Networks that see no arm have made of it already, to act, what is compared here.
        """
        if self._goal is None:
            return torch.zeros(0)
        seen = self._networks.seen if self._networks.neutral_arm(1) is None else None
        return _distances(seen or self._side(state, self._goal), self._at_goal)[0].cpu()

    @torch.inference_mode()
    def between(self, states: Tensor, goals: Tensor) -> Tensor:
        """Distances float32 (N, D) of states from goals, (N, ...) each, or from one goal (1, ...)."""
        each = goals.expand(len(states), *goals.shape[1:])
        return _distances(self._side(states, each), self._side(goals, goals)).cpu()

    def _side(self, states: Tensor, goals: Tensor) -> Sides:
        """What the networks make of states on the way to goals: (N, F), phi (T, N, R) or the value (N, 1)."""
        critic, policy = self._networks.critic, self._networks.policy
        if isinstance(critic, Critic):
            encoded = critic.encoder(states)
            arm = self._networks.neutral_arm(len(states))
            return encoded, critic.state_action(encoded, policy(states, goals, arm), arm)
        if isinstance(critic, HierarchicalValue):
            subgoal = critic.subgoal(states, goals)
            return subgoal, critic.value(states, subgoal).mean(0)[:, None]
        if isinstance(critic, ValueNetwork):
            return (critic.encode(states, goals),)
        if isinstance(policy, Policy):
            return (policy.encoder(torch.cat([states, goals], dim=-1)),)
        return ()


def _distances(one: Sides, other: Sides) -> Tensor:
    parts = [(mine.float() - theirs.float()).norm(dim=-1) for mine, theirs in zip(one, other, strict=True)]
    if not parts:
        return torch.zeros(1, 0)
    return torch.stack([part if part.ndim == 1 else part.mean(0) for part in parts], dim=-1)
