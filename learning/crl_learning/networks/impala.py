"""The small residual network of IMPALA, as OGBench uses it on images of 64 pixels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from crl_learning.network_config import NetworkConfig
from crl_learning.networks.layers import as_floats, flat, placed
from crl_learning.networks.starting import started, xavier


class ImpalaEncoder(nn.Module):
    """IMPALA's residual CNN, one block per stage as in OGBench's impala_small, then one linear layer and GELU."""

    def __init__(self, size: tuple[int, int], in_channels: int, config: NetworkConfig) -> None:
        super().__init__()
        self._coordinates = config.coordinates
        channels = at = in_channels + 2 * config.coordinates
        stages = []
        for width in config.channels:
            stages.append(_ImpalaStage(at, width))
            at = width
        self.convolutions = nn.Sequential(*stages, nn.ReLU()).to(memory_format=torch.channels_last)
        numbers = flat(self.convolutions, channels, size)
        self.width = config.features or numbers
        linear = started(nn.Linear(numbers, self.width), xavier)
        self.project = nn.Sequential(linear, nn.GELU(approximate="tanh")) if config.features else nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        pixels = as_floats(images).mul_(1 / 255)
        return self.project(self.convolutions(placed(pixels, self._coordinates)).flatten(1))


class _ImpalaStage(nn.Module):
    """Convolution, 3 x 3 max pooling with stride 2, one residual block of two convolutions."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.first = _xavier_convolution(inputs, width)
        self.block = nn.Sequential(
            nn.ReLU(), _xavier_convolution(width, width), nn.ReLU(), _xavier_convolution(width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        pooled = max_pool2d(self.first(x), 3, stride=2, padding=1)
        return pooled + self.block(pooled)


def _xavier_convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return started(nn.Conv2d(inputs, outputs, 3, padding=1), xavier)
