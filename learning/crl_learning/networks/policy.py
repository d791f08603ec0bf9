"""Goal-conditioned policies: state and goal in, mean action out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from crl_learning.network_config import NetworkConfig
from crl_learning.networks.encoders import make_encoder
from crl_learning.networks.mlp import Mlp


class Policy(nn.Module):
    """Mean of the Gaussian policy. State and goal are laid side by side (early fusion): images become 6 channels.

    ``free`` (A,) is 1 for entries that the policy may move and 0 for those that stay at their constant. With a chunk
    of K actions they come side by side, (B, K * A).
    """

    free: Tensor

    def __init__(self, size: Sequence[int], config: NetworkConfig, free: Tensor) -> None:
        super().__init__()
        self.encoder = make_encoder(size, 2, config)
        self._tanh = config.tanh
        inputs, outputs = self.encoder.width + config.proprio, config.chunk * len(free)
        self.head = Mlp(inputs, config.policy_widths, outputs, config.policy_layers)
        self.register_buffer("free", free.to(torch.float32).repeat(config.chunk))

    def forward(self, state: Tensor, goal: Tensor, proprio: Tensor | None = None) -> Tensor:
        """Images uint8 (B, H, W, C) or states (B, D) -> float32 (B, K * A), in [-1, 1] if the mean is squashed."""
        mean = self.head(beside(self.encoder(torch.cat([state, goal], dim=-1)), proprio))
        return (torch.tanh(mean) if self._tanh else mean) * self.free


def beside(encoded: Tensor, *more: Tensor | None) -> Tensor:
    """Encoded observations (B, F) with what comes beside them (B, ...): proprioception, actions, subgoals."""
    return torch.cat([encoded, *(one.to(encoded.dtype) for one in more if one is not None)], dim=-1)
