"""Random crop: pad by repeating the border, crop back to size. One gather takes a whole batch out of the data."""

from __future__ import annotations

import torch
from torch import Tensor


def sample_shifts(batch_size: int, pixels: int, probability: float, generator: torch.Generator) -> Tensor:
    """int64 (B, 2) shifts (rows, columns) in -pixels..pixels, zero for samples whose coin says not to crop."""
    shifts = torch.randint(-pixels, pixels + 1, (batch_size, 2), generator=generator)
    crop = torch.rand(batch_size, 1, generator=generator) < probability
    return shifts * crop


def take_shifted(images: Tensor, index: Tensor, shifts: Tensor) -> Tensor:
    """Images at ``index``, each seen through a window moved by its shift; the border pixel continues outside.

    The same as padding with border pixels and cropping, without making the padded images.

    Args:
        images: (N, H, W, C), contiguous.
        index: int64 (B,).
        shifts: int64 (B, 2) rows and columns.

    Returns:
        (B, H, W, C).
    """
    _, height, width, channels = images.shape
    rows = (torch.arange(height, device=index.device) + shifts[:, :1]).clamp(0, height - 1)  # (B, H)
    columns = (torch.arange(width, device=index.device) + shifts[:, 1:]).clamp(0, width - 1)  # (B, W)
    pixels = (index[:, None, None] * height + rows[:, :, None]) * width + columns[:, None, :]  # (B, H, W)
    taken = images.view(-1, channels).index_select(0, pixels.view(-1))
    return taken.view(len(index), height, width, channels)
