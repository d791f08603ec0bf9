"""Multi-layer perceptrons with the hidden layers of the published methods: where they normalise, how weights start.

A block is one kind of hidden layer:

- norm_relu: linear, layer norm, ReLU; PyTorch's own start. This project's policies.
- paper: linear, `ShiftNorm`, ReLU, but no norm in the last hidden layer; Xavier uniform with ReLU gain. Critic of
  Stable CRL.
- tiny_norm_relu: linear, layer norm, ReLU; U(-1e-3, 1e-3), the last layer and biases too. Policy of Stable CRL.
- gelu_norm: linear, GELU, layer norm; Xavier uniform. Critics and values of OGBench.
- gelu: linear, GELU; Xavier uniform, the last layer a tenth of it. Policies of OGBench.
- norm_swish: linear, layer norm, swish; Xavier uniform. Critic of Bridge V2.
- swish: linear, swish; Xavier uniform. Policies of Bridge V2.
- relu: linear, ReLU; Xavier uniform. The original contrastive RL.

Biases start at 0 where not told otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from crl_learning.networks.starting import Start, started, tiny, xavier, xavier_relu, xavier_tenth, zeros

JAX_EPS = 1e-6
"""Of flax's layer norm."""


class Mlp(nn.Module):
    """Hidden layers of one kind; the last linear layer is bare and runs in float32."""

    def __init__(self, inputs: int, hidden: Sequence[int], outputs: int, block: str = "norm_relu") -> None:
        super().__init__()
        kind = BLOCKS[block]
        layers: list[nn.Module] = []
        for i, width in enumerate(hidden):
            linear = started(nn.Linear(inputs, width), kind.start, kind.bias)
            layers += [linear, *kind.after(width, i == len(hidden) - 1)]
            inputs = width
        self.hidden = nn.Sequential(*layers)
        self.last = started(nn.Linear(inputs, outputs), kind.last, kind.bias)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.hidden(x)
        with torch.autocast(x.device.type, enabled=False):
            return self.last(hidden.float())


class ShiftNorm(nn.Module):
    """(x - mean) / (std + eps) + bias over the last axis: no learned scale, unbiased std, as in Stable CRL's critic.

    Computed by the fused layer norm, whose biased std a constant scale makes up for. It adds eps^2 to the variance
    instead of eps to the std: the same to 1e-6 / std.
    """

    _scale: Tensor

    def __init__(self, width: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("_scale", torch.full((width,), math.sqrt((width - 1) / width)), persistent=False)
        self._eps = eps

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return layer_norm(x.float(), x.shape[-1:], self._scale, self.bias, self._eps**2)


@dataclass(frozen=True)
class Block:
    """One kind of hidden layer: what follows a linear layer of a width, and how weights start (None: PyTorch's way)."""

    after: Callable[[int, bool], list[nn.Module]]
    start: Start | None = None
    last: Start | None = None
    bias: Start = zeros


def norm_relu(width: int, is_last: bool) -> list[nn.Module]:
    """Layer norm, ReLU."""
    return [nn.LayerNorm(width), nn.ReLU(inplace=True)]


def paper(width: int, is_last: bool) -> list[nn.Module]:
    """`ShiftNorm` but not after the last hidden layer, ReLU."""
    return [*([] if is_last else [ShiftNorm(width)]), nn.ReLU(inplace=True)]


def gelu(width: int, is_last: bool) -> list[nn.Module]:
    """GELU in its tanh form, as flax computes it."""
    return [nn.GELU(approximate="tanh")]


def gelu_norm(width: int, is_last: bool) -> list[nn.Module]:
    """GELU, then layer norm."""
    return [nn.GELU(approximate="tanh"), nn.LayerNorm(width, eps=JAX_EPS)]


def norm_swish(width: int, is_last: bool) -> list[nn.Module]:
    """Layer norm, swish."""
    return [nn.LayerNorm(width, eps=JAX_EPS), nn.SiLU()]


def swish(width: int, is_last: bool) -> list[nn.Module]:
    """Swish alone."""
    return [nn.SiLU()]


def relu(width: int, is_last: bool) -> list[nn.Module]:
    """ReLU alone."""
    return [nn.ReLU(inplace=True)]


BLOCKS = {
    "norm_relu": Block(norm_relu),
    "paper": Block(paper, xavier_relu, xavier_relu),
    "tiny_norm_relu": Block(norm_relu, tiny, tiny, tiny),
    "gelu_norm": Block(gelu_norm, xavier, xavier),
    "gelu": Block(gelu, xavier, xavier_tenth),
    "norm_swish": Block(norm_swish, xavier, xavier),
    "swish": Block(swish, xavier, xavier),
    "relu": Block(relu, xavier, xavier),
}
