"""Random crop (pad by repeating the border, crop back to size) and change of colour, a whole batch at a time."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)
"""Weights of R, G and B in the grey of a pixel (ITU-R BT.601)."""
YIQ = (LUMA, (0.595716, -0.274453, -0.321263), (0.211456, -0.522591, 0.311135))
"""NTSC's colour space: rows give Y, I and Q of an RGB pixel."""
RGB_OF_YIQ = np.linalg.inv(np.array(YIQ)).astype(np.float32).tolist()


def take_shifted(images: Tensor, index: Tensor, shifts: Tensor) -> Tensor:
    """Images at ``index``, each seen through a window moved by its shift; the border pixel continues outside.

    The same as padding with border pixels and cropping, without making the padded images. A GPU gathers single pixels
    in one launch; a CPU copies whole rows, which is several times faster there.

    Args:
        images: (N, H, W, C), contiguous.
        index: int64 (B,).
        shifts: int64 (B, 2) rows and columns.

    Returns:
        (B, H, W, C).
    """
    return (_take_by_rows if images.device.type == "cpu" else take_by_pixels)(images, index, shifts)


def take_by_pixels(images: Tensor, index: Tensor, shifts: Tensor) -> Tensor:
    """See `take_shifted`; one gather that depends on no value, so that nothing waits for the device."""
    _, height, width, channels = images.shape
    rows = (torch.arange(height, device=index.device) + shifts[:, :1]).clamp(0, height - 1)  # (B, H)
    columns = (torch.arange(width, device=index.device) + shifts[:, 1:]).clamp(0, width - 1)  # (B, W)
    pixels = (index[:, None, None] * height + rows[:, :, None]) * width + columns[:, None, :]  # (B, H, W)
    taken = images.view(-1, channels).index_select(0, pixels.view(-1))
    return taken.view(len(index), height, width, channels)


def _take_by_rows(images: Tensor, index: Tensor, shifts: Tensor) -> Tensor:
    """See `take_shifted`: a moved row is a row of bytes that begins earlier or later; then its border is put right."""
    source, places, moves = images.numpy(), index.numpy(), shifts.numpy()
    _, height, width, channels = source.shape
    rows = (np.arange(height) + moves[:, :1]).clip(0, height - 1) + places[:, None] * height  # (B, H)
    begins = rows * width + moves[:, 1:].clip(1 - width, width - 1)
    last = source.size // channels - width
    windows = as_strided(source.reshape(-1), (last + 1, width * channels), (channels, 1), writeable=False)
    taken = windows[begins.clip(0, last).ravel()].reshape(len(places), height, width, channels)
    _repeat_borders(taken, moves[:, 1].clip(1 - width, width - 1))
    for sample, row in np.argwhere((begins < 0) | (begins > last)):  # the first and the last row of all images
        columns = (np.arange(width) + moves[sample, 1]).clip(0, width - 1)
        taken[sample, row] = source.reshape(-1, width, channels)[rows[sample, row], columns]
    return torch.from_numpy(taken)


def _repeat_borders(images: NDArray[np.uint8], columns: NDArray[np.int64]) -> None:
    """Where image b (H, W, C) was moved by ``columns`` (B,), repeat its last pixel of each row outside of it."""
    for move in np.unique(columns):
        chosen = np.flatnonzero(columns == move)
        if move > 0:
            images[chosen, :, -move:] = images[chosen, :, -move - 1][:, :, None]
        elif move < 0:
            images[chosen, :, :-move] = images[chosen, :, -move][:, :, None]


def jitter_colours(images: Tensor, change: Tensor) -> Tensor:
    """Images of other light and another camera: one change of colour for all pixels and cameras of a sample.

    Brightness and saturation are multiplied, contrast is scaled about the mean grey of the sample's images, and hue is
    turned in the plane of equal luma (YIQ). All are linear in RGB: one 3 x 3 matrix and one offset for each sample.

    Args:
        images: uint8 (B, H, W, 3 * cameras).
        change: float32 (B, 4): brightness, contrast and saturation as parts to add (0.2: times 1.2), hue in turns.

    Returns:
        uint8 like ``images``, rounded and clipped; unchanged where the change is 0.
    """
    brightness, contrast, saturation, hue = change.T
    pixels = images.reshape(len(images), -1, 3).float()  # (B, P, 3)
    luma, to_yiq, to_rgb = _colour_constants(images.device)
    grey = (pixels @ luma).mean(1)  # (B,)
    scale = (1 + contrast) * (1 + brightness)
    matrix = scale[:, None, None] * (to_rgb @ _turn(hue) @ to_yiq @ _saturation_matrix(1 + saturation, luma))
    offset = -contrast * (1 + brightness) * grey
    turned = torch.baddbmm(offset[:, None, None], pixels, matrix.transpose(1, 2))
    return turned.round_().clamp_(0, 255).to(torch.uint8).view_as(images)


def _saturation_matrix(factor: Tensor, luma: Tensor) -> Tensor:
    """(B, 3, 3): colours moved away from their grey by ``factor`` (B,)."""
    one = torch.eye(3, device=factor.device)
    return factor[:, None, None] * one + (1 - factor)[:, None, None] * luma.expand(3, 3)


def _turn(turns: Tensor) -> Tensor:
    """(B, 3, 3): rotation of (Y, I, Q) about Y, by ``turns`` (B,) of a full circle."""
    cosine, sine = torch.cos(2 * torch.pi * turns), torch.sin(2 * torch.pi * turns)
    one, zero = torch.ones_like(turns), torch.zeros_like(turns)
    rows = (one, zero, zero, zero, cosine, -sine, zero, sine, cosine)
    return torch.stack(rows, dim=-1).view(-1, 3, 3)


@cache
def _colour_constants(device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Luma (3,), RGB to YIQ and back (3, 3), sent to a device once: sending waits for it."""
    luma, to_yiq, to_rgb = (torch.tensor(numbers, device=device) for numbers in (LUMA, YIQ, RGB_OF_YIQ))
    return luma, to_yiq, to_rgb
