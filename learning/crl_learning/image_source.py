"""Where the images of a training set lie while it is learned from: all on the device, or on the host until drawn."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from crl_data.serving.gather import Gather
from crl_learning.augment import take_shifted

DEVICE_PART = 0.5
"""Part of a GPU's free memory that images may take; the rest is for networks and activations."""
_BLOCK_BYTES = 64 * 2**20


class ImageSource(Protocol):
    """Gives the images of a batch."""

    def take(self, index: Tensor, shifts: Tensor) -> Tensor:
        """Images at ``index`` int64 (B,), moved by ``shifts`` int64 (B, 2), both on the CPU -> uint8 (B, H, W, 3)."""
        ...


def image_source(images: NDArray[np.uint8], device: torch.device) -> ImageSource:
    """All images on ``device`` where they fit, else each batch on its way there. The images drawn are the same."""
    if device.type == "cpu":
        return StreamedImages(images, device) if isinstance(images, np.memmap) else ResidentImages(images, device)
    free = torch.cuda.mem_get_info(device)[0]
    return (ResidentImages if images.nbytes <= DEVICE_PART * free else StreamedImages)(images, device)


class ResidentImages:
    """All images lie on the device; on the CPU they are not copied."""

    def __init__(self, images: NDArray[np.uint8], device: torch.device) -> None:
        self._device = device
        self._images = torch.from_numpy(images) if device.type == "cpu" else _sent(images, device)

    def take(self, index: Tensor, shifts: Tensor) -> Tensor:
        """See `ImageSource`."""
        index, shifts = (tensor.to(self._device, non_blocking=True) for tensor in (index, shifts))
        return take_shifted(self._images, index, shifts)


class StreamedImages:
    """Images stay where they are, a file that is larger than memory for one; only those of a batch are copied."""

    def __init__(self, images: NDArray[np.uint8], device: torch.device) -> None:
        self._images, self._device = images, device
        self._gather = Gather(torch.get_num_threads())

    def take(self, index: Tensor, shifts: Tensor) -> Tensor:
        """See `ImageSource`."""
        rows = torch.from_numpy(self._gather.take(self._images, index.numpy())).to(self._device)
        return take_shifted(rows, torch.arange(len(index), device=self._device), shifts.to(self._device))


def _sent(images: NDArray[np.uint8], device: torch.device) -> Tensor:
    """A copy on the device, in blocks: a map of a file is never copied as a whole on the host."""
    sent = torch.empty(images.shape, dtype=torch.uint8, device=device)
    rows = max(1, _BLOCK_BYTES // max(1, images[:1].nbytes))
    for start in range(0, len(images), rows):
        block = np.array(images[start : start + rows])
        sent[start : start + len(block)] = torch.from_numpy(block)
    return sent
