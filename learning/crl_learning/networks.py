"""Image encoder, twin contrastive critic f(s, a, g) = phi(s, a) . psi(g), and goal-conditioned policy.

Images come in as uint8 (B, H, W, C) and nothing is pooled: where things are is what has to be told apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from crl_learning.config import NetworkConfig
from crl_robot.contracts import ACTION_DIM

TWINS = 2
COLD_INIT = 1e-12
"""Last layers start in U(-1e-12, 1e-12), so that all logits start equal ('cold initialisation' of Stable CRL)."""


class ImageEncoder(nn.Module):
    """uint8 (B, H, W, C) -> (B, features): three convolutions with layer norm, flattened, one linear layer."""

    def __init__(self, size: tuple[int, int], in_channels: int, config: NetworkConfig) -> None:
        super().__init__()
        first, second, third = config.channels
        self.convolutions = nn.Sequential(
            *_normed_convolution(in_channels, first, kernel=8, stride=4, padding=2),
            *_normed_convolution(first, second, kernel=3, stride=2, padding=1),
            *_normed_convolution(second, third, kernel=3, stride=1, padding=1),
        ).to(memory_format=torch.channels_last)
        width, height = size
        with torch.no_grad():
            flat = self.convolutions(torch.zeros(1, in_channels, height, width)).numel()
        self.project = nn.Sequential(nn.Linear(flat, config.features), nn.LayerNorm(config.features), nn.ReLU())

    def forward(self, images: Tensor) -> Tensor:
        kind = images.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else torch.float32
        pixels = images.permute(0, 3, 1, 2).to(dtype).sub_(128).mul_(1 / 128)  # exact in bfloat16
        return self.project(self.convolutions(pixels).flatten(1))


class Mlp(nn.Module):
    """Linear, layer norm, ReLU for each hidden size; the last linear layer is bare and runs in float32."""

    def __init__(self, inputs: int, hidden: Sequence[int], outputs: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in hidden:
            layers += [nn.Linear(inputs, width), nn.LayerNorm(width), nn.ReLU(inplace=True)]
            inputs = width
        self.hidden = nn.Sequential(*layers)
        self.last = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.hidden(x)
        with torch.autocast(x.device.type, enabled=False):
            return self.last(hidden.float())


class Critic(nn.Module):
    """Twin f(s, a, g) = phi(s, a) . psi(g) on one encoder, shared by states, goals and both twins.

    With ``cold_heads`` 'both', phi and psi start cold; with 'phi', psi starts as usual. All logits start at 0 anyway.
    """

    def __init__(self, size: tuple[int, int], config: NetworkConfig, cold_heads: str = "both") -> None:
        super().__init__()
        self.encoder = ImageEncoder(size, 3, config)
        self.phi = nn.ModuleList(_head(config.features + ACTION_DIM, config, cold=True) for _ in range(TWINS))
        cold_psi = cold_heads == "both"
        self.psi = nn.ModuleList(_head(config.features, config, cold=cold_psi) for _ in range(TWINS))

    def state_action(self, state: Tensor, action: Tensor) -> Tensor:
        """Encoded states (B, F), normalised actions (B, 7) -> phi, float32 (2, B, R)."""
        joined = torch.cat([state, action.to(state.dtype)], dim=-1)
        return torch.stack([head(joined) for head in self.phi])

    def goal(self, goal: Tensor) -> Tensor:
        """Encoded goals (B, F) -> psi, float32 (2, B, R)."""
        return torch.stack([head(goal) for head in self.psi])


class Policy(nn.Module):
    """Mean of the Gaussian policy: state and goal images joined into 6 channels -> normalised actions (B, 7).

    ``free`` (7,) is 1 for entries that the policy may move and 0 for those that stay at their constant.
    """

    free: Tensor

    def __init__(self, size: tuple[int, int], config: NetworkConfig, free: Tensor) -> None:
        super().__init__()
        self.encoder = ImageEncoder(size, 6, config)
        self.head = Mlp(config.features, config.hidden, ACTION_DIM)
        self.register_buffer("free", free.to(torch.float32))

    def forward(self, state: Tensor, goal: Tensor) -> Tensor:
        """uint8 images (B, H, W, 3) each -> float32 (B, 7) in [-1, 1]."""
        return torch.tanh(self.head(self.encoder(torch.cat([state, goal], dim=-1)))) * self.free


def pair_scores(phi: Tensor, psi: Tensor) -> Tensor:
    """f of matching pairs: (2, B, R), (2, B, R) -> float32 (2, B)."""
    with torch.autocast(phi.device.type, enabled=False):
        return (phi.float() * psi.float()).sum(-1)


def all_scores(phi: Tensor, psi: Tensor) -> Tensor:
    """f of every state-action with every goal: (2, B, R), (2, B, R) -> float32 (2, B, B)."""
    with torch.autocast(phi.device.type, enabled=False):
        return torch.einsum("tir,tjr->tij", phi.float(), psi.float())


def _normed_convolution(inputs: int, outputs: int, *, kernel: int, stride: int, padding: int) -> list[nn.Module]:
    """Convolution, layer norm over (C, H, W) as a group norm of one group, ReLU."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding)
    return [convolution, nn.GroupNorm(1, outputs), nn.ReLU(inplace=True)]


def _head(inputs: int, config: NetworkConfig, *, cold: bool) -> Mlp:
    head = Mlp(inputs, config.hidden, config.repr_dim)
    if cold:
        nn.init.uniform_(head.last.weight, -COLD_INIT, COLD_INIT)
        nn.init.zeros_(head.last.bias)
    return head
