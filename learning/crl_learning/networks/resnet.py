"""A residual network with group norm, as the Bridge V2 methods use it on images of 128 pixels and more."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from crl_learning.network_config import NetworkConfig
from crl_learning.networks.layers import as_floats, placed, projection

GROUPS = 4
EPS = 1e-5


class ResNetEncoder(nn.Module):
    """ResNet v1 with two convolutions per block, swish and average pooling: (B, H, W, C) -> (B, last of ``channels``).

    ``channels`` are the widths of the stages and ``depths`` their blocks; (3, 4, 6, 3) is ResNet-34. Pooling leaves no
    place, which ``coordinates`` bring back.
    """

    def __init__(self, size: tuple[int, int], in_channels: int, config: NetworkConfig) -> None:
        super().__init__()
        self._coordinates = config.coordinates
        at = config.channels[0]
        self.stem = nn.Sequential(
            _convolution(in_channels + 2 * config.coordinates, at, 7, 2), _norm(at), nn.SiLU(), nn.MaxPool2d(3, 2, 1)
        )
        blocks: list[nn.Module] = []
        for stage, (width, depth) in enumerate(zip(config.channels, config.depths, strict=True)):
            for i in range(depth):
                blocks.append(_Block(at, width, 2 if stage and i == 0 else 1))
                at = width
        self.blocks = nn.Sequential(*blocks)
        self.project, self.width = projection(at, config.features)
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Tensor:
        pixels = as_floats(images).mul_(1 / 127.5).sub_(1)
        return self.project(self.blocks(self.stem(placed(pixels, self._coordinates))).mean((2, 3)))


class _Block(nn.Module):
    """Two normed 3 x 3 convolutions beside a shortcut, which is projected where the shape changes."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            _convolution(inputs, width, 3, stride),
            _norm(width),
            nn.SiLU(),
            _convolution(width, width, 3, 1),
            _norm(width),
        )
        same = inputs == width and stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(_convolution(inputs, width, 1, stride), _norm(width))
        self.act = nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.path(x) + self.shortcut(x))


def _convolution(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Conv2d:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(convolution.weight)
    return convolution


def _norm(width: int) -> nn.GroupNorm:
    return nn.GroupNorm(GROUPS, width, eps=EPS)
