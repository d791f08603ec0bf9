"""Networks of HIQL (Park et al. 2023): a value of subgoal representations and a policy of two levels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from crl_learning.network_config import NetworkConfig
from crl_learning.networks.encoders import make_encoder
from crl_learning.networks.mlp import Mlp
from crl_learning.networks.policy import beside

SHORTEST = 1e-6


class SubgoalEncoder(nn.Module):
    """phi([s; g]): what is to be known of a goal seen from a state, a vector (B, R) of length sqrt(R)."""

    def __init__(self, size: Sequence[int], config: NetworkConfig) -> None:
        super().__init__()
        self.encoder = make_encoder(size, 2, config)
        self.head = Mlp(self.encoder.width, config.hidden, config.repr_dim, config.block)

    def forward(self, states: Tensor, goals: Tensor) -> Tensor:
        return lengthened(self.head(self.encoder(torch.cat([states, goals], dim=-1))))


class SubgoalValue(nn.Module):
    """V(s, phi): twin values of states (B, ...) and subgoal representations (B, R)."""

    def __init__(self, size: Sequence[int], config: NetworkConfig) -> None:
        super().__init__()
        self.encoder = make_encoder(size, 1, config)
        inputs = self.encoder.width + config.repr_dim
        self.heads = nn.ModuleList(Mlp(inputs, config.hidden, 1, config.block) for _ in range(config.critics))

    def forward(self, states: Tensor, subgoal: Tensor) -> Tensor:
        """Float32 (T, B)."""
        joined = beside(self.encoder(states), subgoal)
        return torch.stack([head(joined).squeeze(-1) for head in self.heads])


class HierarchicalValue(nn.Module):
    """V(s, phi([s; g])), as it is exported."""

    def __init__(self, size: Sequence[int], config: NetworkConfig) -> None:
        super().__init__()
        self.subgoal = SubgoalEncoder(size, config)
        self.value = SubgoalValue(size, config)

    def forward(self, states: Tensor, goals: Tensor, proprio: Tensor | None = None) -> Tensor:
        """Float32 (T, B). ``proprio`` is None: an observation that is a subgoal has images only."""
        return self.value(states, self.subgoal(states, goals))

    def prepare(self, goals: Tensor) -> Tensor:
        """What `score` needs of a goal, once: the goal itself."""
        return goals

    def score(self, states: Tensor, actions: Tensor, prepared: Tensor, proprio: Tensor | None = None) -> Tensor:
        """The value of states for the goals that `prepare` saw: float32 (T, B)."""
        return self(states, prepared)


class HierarchicalPolicy(nn.Module):
    """The high level names a subgoal by its representation, the low level acts towards it.

    ``free`` (A,) is 1 for entries that the policy may move, as in `Policy`.
    """

    free: Tensor

    def __init__(self, size: Sequence[int], config: NetworkConfig, free: Tensor) -> None:
        super().__init__()
        widths, block = config.policy_widths, config.policy_layers
        self._tanh = config.tanh
        self.encoder = make_encoder(size, 2, config)
        self.head = Mlp(self.encoder.width, widths, config.repr_dim, block)
        self.low_encoder = make_encoder(size, 1, config)
        inputs = self.low_encoder.width + config.repr_dim
        self.low_head = Mlp(inputs, widths, config.chunk * len(free), block)
        self.register_buffer("free", free.to(torch.float32).repeat(config.chunk))

    def forward(self, state: Tensor, goal: Tensor, proprio: Tensor | None = None) -> Tensor:
        """Float32 (B, K * A). ``proprio`` is None, as in `HierarchicalValue`."""
        return self.low(state, lengthened(self.high(state, goal)))

    def high(self, state: Tensor, goal: Tensor) -> Tensor:
        """Mean of the next subgoal's representation, (B, R)."""
        return self.head(self.encoder(torch.cat([state, goal], dim=-1)))

    def low(self, state: Tensor, subgoal: Tensor) -> Tensor:
        """Mean action (B, K * A) towards a subgoal's representation (B, R)."""
        mean = self.low_head(beside(self.low_encoder(state), subgoal))
        return (torch.tanh(mean) if self._tanh else mean) * self.free


def lengthened(vector: Tensor) -> Tensor:
    """(B, R) -> the same directions with length sqrt(R)."""
    return vector * (
        math.sqrt(vector.shape[-1]) / torch.linalg.vector_norm(vector, dim=-1, keepdim=True).clamp(min=1e-6)
    )
