"""The plain convolutional encoders: the small one of the shipped policies, and those of the published methods."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from crl_learning.network_config import NetworkConfig
from crl_learning.networks.layers import as_floats, flat, placed, projection, shape
from crl_learning.networks.starting import by_inputs, started, xavier_relu


class ImageEncoder(nn.Module):
    """The small one: three convolutions with layer norm, flattened, one linear layer. Nothing is pooled.

    Layer norm is over (C, H, W), with one scale and bias per channel.
    """

    def __init__(self, size: tuple[int, int], in_channels: int, config: NetworkConfig) -> None:
        super().__init__()
        first, second, third = config.channels
        self._coordinates = config.coordinates
        channels = in_channels + 2 * config.coordinates
        self.convolutions = nn.Sequential(
            *_normed_convolution(channels, first, kernel=8, stride=4, padding=2),
            *_normed_convolution(first, second, kernel=3, stride=2, padding=1),
            *_normed_convolution(second, third, kernel=3, stride=1, padding=1),
        ).to(memory_format=torch.channels_last)
        self.project, self.width = projection(flat(self.convolutions, channels, size), config.features)

    def forward(self, images: Tensor) -> Tensor:
        pixels = as_floats(images).sub_(128).mul_(1 / 128)  # exact in bfloat16
        return self.project(self.convolutions(placed(pixels, self._coordinates)).flatten(1))


class PaperEncoder(nn.Module):
    """Stable CRL's CNN (Zheng et al. 2023): kernels 8, 4, 3, strides 4, 2, 1.

    Layer norm over (C, H, W) before each ReLU; Xavier uniform with ReLU gain. 48 x 48 pixels become 6 x 6 x 64 = 2304
    numbers. With ``norm=False`` the convolutions of the Atari networks, which the original contrastive RL uses
    (Eysenbach et al. 2022), as Haiku starts them.
    """

    def __init__(self, size: tuple[int, int], in_channels: int, config: NetworkConfig, *, norm: bool = True) -> None:
        super().__init__()
        self._coordinates = config.coordinates
        channels = at = in_channels + 2 * config.coordinates
        start = xavier_relu if norm else by_inputs
        layers: list[nn.Module] = []
        for width, kernel, stride, padding in zip(config.channels, (8, 4, 3), (4, 2, 1), (2, 1, 1), strict=True):
            layers.append(started(nn.Conv2d(at, width, kernel, stride, padding), start))
            at = width
            if norm:
                layers.append(nn.LayerNorm(list(shape(nn.Sequential(*layers), channels, size))))
            layers.append(nn.ReLU(inplace=True))
        self.convolutions = nn.Sequential(*layers)
        self.project, self.width = projection(flat(self.convolutions, channels, size), config.features)

    def forward(self, images: Tensor) -> Tensor:
        pixels = as_floats(images).mul_(1 / 255)
        return self.project(self.convolutions(placed(pixels, self._coordinates)).flatten(1))


def _normed_convolution(inputs: int, outputs: int, *, kernel: int, stride: int, padding: int) -> list[nn.Module]:
    """Convolution, layer norm over (C, H, W) as a group norm of one group, ReLU."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding)
    return [convolution, nn.GroupNorm(1, outputs), nn.ReLU(inplace=True)]
