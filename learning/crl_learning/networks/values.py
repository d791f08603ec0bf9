"""Value V(s, g) or critic Q(s, a, g) as a number, once or as twins: what the IQL family learns."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from crl_learning.network_config import NetworkConfig
from crl_learning.networks.constant import run_constant
from crl_learning.networks.encoders import make_encoder
from crl_learning.networks.mlp import Mlp
from crl_learning.networks.policy import beside


class ValueNetwork(nn.Module):
    """State and goal side by side through one encoder, then one MLP per twin.

    Args:
        size: (width, height) of images or (D,) of states.
        config: sizes.
        actions: entries of one action for Q, 0 for V.
        heads: how many.
    """

    def __init__(self, size: Sequence[int], config: NetworkConfig, actions: int = 0, heads: int = 2) -> None:
        super().__init__()
        self.encoder = make_encoder(size, 2, config)
        self._sees_actions = actions > 0
        inputs = self.encoder.width + config.proprio + actions * config.chunk
        self.heads = nn.ModuleList(Mlp(inputs, config.hidden, 1, config.block) for _ in range(heads))

    def forward(
        self, states: Tensor, goals: Tensor, actions: Tensor | None = None, proprio: Tensor | None = None
    ) -> Tensor:
        """States, goals and, for Q, actions (B, A) -> float32 (T, B)."""
        return self.of_encoded(self.encode(states, goals), actions, proprio)

    def encode(self, states: Tensor, goals: Tensor) -> Tensor:
        """(B, F)."""
        return self.encoder(torch.cat([states, goals], dim=-1))

    def of_encoded(
        self, encoded: Tensor, actions: Tensor | None = None, proprio: Tensor | None = None, *, constant: bool = False
    ) -> Tensor:
        """The same from what `encode` gave; with ``constant`` no gradient reaches the heads' weights."""
        joined = beside(encoded, proprio, actions)
        values = [run_constant(head, joined) if constant else head(joined) for head in self.heads]
        return torch.stack(values).squeeze(-1)

    def prepare(self, goals: Tensor) -> Tensor:
        """What `score` needs of a goal, once: the goal itself."""
        return goals

    def score(self, states: Tensor, actions: Tensor, prepared: Tensor, proprio: Tensor | None = None) -> Tensor:
        """The value of states for the goals that `prepare` saw: float32 (T, B)."""
        return self(states, prepared, actions if self._sees_actions else None, proprio)
