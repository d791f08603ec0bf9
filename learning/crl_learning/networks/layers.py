"""What the image encoders share: uint8 images to floats, pixel coordinates, sizes, the last linear layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from crl_robot.errors import ContractError


def projection(flat: int, features: int) -> tuple[nn.Module, int]:
    """Linear, layer norm, ReLU, and its width; nothing where features is 0."""
    if not features:
        return nn.Identity(), flat
    return nn.Sequential(nn.Linear(flat, features), nn.LayerNorm(features), nn.ReLU()), features


def as_floats(images: Tensor) -> Tensor:
    """uint8 (B, H, W, C) -> new (B, C, H, W) in the type that convolutions compute in."""
    kind = images.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else torch.float32
    return images.permute(0, 3, 1, 2).to(dtype)


def placed(pixels: Tensor, coordinates: bool) -> Tensor:
    """With two more channels, row and column of every pixel from -1 to 1, if asked for."""
    if not coordinates:
        return pixels
    count, _, height, width = pixels.shape
    rows = torch.linspace(-1, 1, height, device=pixels.device, dtype=pixels.dtype)
    columns = torch.linspace(-1, 1, width, device=pixels.device, dtype=pixels.dtype)
    places = torch.stack(torch.meshgrid(rows, columns, indexing="ij")).expand(count, 2, height, width)
    return torch.cat([pixels, places], dim=1)


def shape(layers: nn.Module, channels: int, size: tuple[int, int]) -> tuple[int, ...]:
    """(C, H, W) that an image of ``size`` (width, height) becomes. Raises ContractError when it is too small."""
    width, height = size
    try:
        with torch.no_grad():
            return tuple(layers(torch.zeros(1, channels, height, width)).shape[1:])
    except RuntimeError as error:
        raise ContractError(f"images of {width} x {height} are too small for this encoder ({error})") from error


def flat(layers: nn.Module, channels: int, size: tuple[int, int]) -> int:
    """Numbers that an image of ``size`` (width, height) becomes."""
    channels_out, height, width = shape(layers, channels, size)
    return channels_out * height * width
