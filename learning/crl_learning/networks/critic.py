"""Contrastive critic f(s, a, g) = phi(s, a) . psi(g), once or as twins."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from crl_learning.network_config import NetworkConfig
from crl_learning.networks.constant import run_constant
from crl_learning.networks.encoders import make_encoder
from crl_learning.networks.mlp import Mlp
from crl_learning.networks.policy import beside
from crl_robot.contracts import ACTION_DIM

COLD_INIT = 1e-12
"""Last layers start in U(-1e-12, 1e-12), so that all logits start equal ('cold initialisation' of Stable CRL)."""


class Critic(nn.Module):
    """f(s, a, g) = phi(s, a) . psi(g), of which the smaller twin counts.

    One encoder is shared by states, goals and both twins, unless goals have their own. With ``cold_heads`` 'both', phi
    and psi start cold; with 'phi', psi starts as usual: all logits start at 0 anyway.

    Args:
        size: (width, height) of images or (D,) of states.
        config: sizes.
        cold_heads: 'both', 'phi' or 'none'.
        actions: entries of one action.
    """

    def __init__(
        self, size: Sequence[int], config: NetworkConfig, cold_heads: str = "both", actions: int = ACTION_DIM
    ) -> None:
        super().__init__()
        self.encoder = make_encoder(size, 1, config)
        self.goal_encoder = make_encoder(size, 1, config) if config.own_goal_encoder else None
        self._scale = 1 / math.sqrt(config.repr_dim) if config.scaled_logits else 1.0
        inputs = self.encoder.width + config.proprio + actions * config.chunk
        cold_phi, cold_psi = cold_heads in ("both", "phi"), cold_heads == "both"
        self.phi = nn.ModuleList(_head(inputs, config, cold=cold_phi) for _ in range(config.critics))
        self.psi = nn.ModuleList(_head(self.encoder.width, config, cold=cold_psi) for _ in range(config.critics))

    def encode(self, states: Tensor, goals: Tensor) -> tuple[Tensor, Tensor]:
        """States and goals, as many of each, -> (B, F) each; in one batch where they share the encoder."""
        if self.goal_encoder is not None:
            return self.encoder(states), self.goal_encoder(goals)
        state, goal = self.encoder(torch.cat([states, goals])).chunk(2)
        return state, goal

    def encode_goals(self, goals: Tensor) -> Tensor:
        """Goals -> (B, F)."""
        return (self.goal_encoder or self.encoder)(goals)

    def state_action(
        self, state: Tensor, action: Tensor, proprio: Tensor | None = None, *, constant: bool = False
    ) -> Tensor:
        """Encoded states (B, F), normalised actions (B, A), state of the arm (B, P) -> phi, float32 (T, B, R).

        With ``constant`` no gradient reaches the weights.
        """
        joined = beside(state, proprio, action)
        return torch.stack([run_constant(head, joined) if constant else head(joined) for head in self.phi])

    def goal(self, goal: Tensor) -> Tensor:
        """Encoded goals (B, F) -> psi, float32 (T, B, R); logits are scaled here where they are."""
        psi = torch.stack([head(goal) for head in self.psi])
        return psi if self._scale == 1 else psi * self._scale

    def prepare(self, goals: Tensor) -> Tensor:
        """What `score` needs of a goal, once: psi (T, B, R)."""
        return self.goal(self.encode_goals(goals))

    def score(self, states: Tensor, actions: Tensor, prepared: Tensor, proprio: Tensor | None = None) -> Tensor:
        """f of states, actions and the goals that `prepare` saw: float32 (T, B)."""
        return pair_scores(self.state_action(self.encoder(states), actions, proprio), prepared)


def pair_scores(phi: Tensor, psi: Tensor) -> Tensor:
    """f of matching pairs: (T, B, R), (T, B, R) -> float32 (T, B)."""
    with torch.autocast(phi.device.type, enabled=False):
        return (phi.float() * psi.float()).sum(-1)


def all_scores(phi: Tensor, psi: Tensor) -> Tensor:
    """f of every state-action with every goal: (T, B, R), (T, B, R) -> float32 (T, B, B)."""
    with torch.autocast(phi.device.type, enabled=False):
        return torch.einsum("tir,tjr->tij", phi.float(), psi.float())


def _head(inputs: int, config: NetworkConfig, *, cold: bool) -> Mlp:
    head = Mlp(inputs, config.hidden, config.repr_dim, config.block)
    if cold:
        nn.init.uniform_(head.last.weight, -COLD_INIT, COLD_INIT)
        nn.init.zeros_(head.last.bias)
    return head
