"""Where the observations of a training set lie while it is learned from: all on the device, or on the host until drawn.

Each lies there once, as uint8 pixels or as float32 states; next states and goals are indices. States always fit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from crl_data.serving.gather import Gather
from crl_learning.augment import take_shifted
from crl_learning.machine import send

DEVICE_PART = 0.5
"""Part of a GPU's free memory that images may take; the rest is for networks and activations."""
_BLOCK_BYTES = 64 * 2**20
STAGING_BUFFERS = 2
"""Pinned buffers that batches leave the host by: one is filled while the other is on its way."""


class ImageSource(Protocol):
    """Gives the observations of a batch."""

    index_device: torch.device
    """Where indices are wanted."""

    def take(self, index: Tensor, shifts: Tensor | None) -> Tensor:
        """Observations at ``index`` int64 (K,), images moved by ``shifts`` int64 (K, 2) -> (K, ...) on the device."""
        ...


def image_source(images: NDArray[Any], device: torch.device) -> ImageSource:
    """All observations on ``device`` where they fit, else each batch on its way there. What is drawn is the same."""
    if images.ndim == 2:
        return ResidentImages(images, device)
    if device.type == "cpu":
        return StreamedImages(images, device) if isinstance(images, np.memmap) else ResidentImages(images, device)
    free = torch.cuda.mem_get_info(device)[0]
    return (ResidentImages if images.nbytes <= DEVICE_PART * free else StreamedImages)(images, device)


class ResidentImages:
    """All lie on the device; on the CPU they are not copied."""

    def __init__(self, images: NDArray[Any], device: torch.device) -> None:
        self.index_device = device
        self._images = torch.from_numpy(images) if device.type == "cpu" else _sent(images, device)

    def take(self, index: Tensor, shifts: Tensor | None) -> Tensor:
        """See `ImageSource`."""
        index = send(index, self.index_device)
        if shifts is None:
            return self._images.index_select(0, index)
        return take_shifted(self._images, index, send(shifts, self.index_device))


class StreamedImages:
    """Observations stay where they are, a file that is larger than memory for one; only those of a batch are copied.

    To a GPU they go by pinned memory, so that the host gathers the next batch while one is sent and learned from.
    """

    index_device = torch.device("cpu")

    def __init__(self, images: NDArray[Any], device: torch.device) -> None:
        self._images, self._device = images, device
        self._gather = Gather(torch.get_num_threads())
        self._staging = Staging(device) if device.type == "cuda" else None

    def take(self, index: Tensor, shifts: Tensor | None) -> Tensor:
        """See `ImageSource`."""
        rows = self._rows(index)
        if shifts is None:
            return rows
        return take_shifted(rows, torch.arange(len(index), device=self._device), send(shifts, self._device))

    def _rows(self, index: Tensor) -> Tensor:
        if self._staging is None:
            return torch.from_numpy(self._gather.take(self._images, index.numpy()))
        shape = (len(index), *self._images.shape[1:])
        return self._staging.send(shape, lambda out: self._gather.take(self._images, index.numpy(), out))


class Staging:
    """Pinned buffers that take turns; one is filled again only after its copy to the device is done.

    Copies have a stream of their own: the device still computes the step before while they arrive.
    """

    def __init__(self, device: torch.device) -> None:
        self._device, self._turn = device, 0
        self._stream = torch.cuda.Stream(device)
        self._buffers: list[Tensor | None] = [None] * STAGING_BUFFERS
        self._sent = [torch.cuda.Event() for _ in range(STAGING_BUFFERS)]

    def send(self, shape: tuple[int, ...], fill: Callable[[NDArray[np.uint8]], object]) -> Tensor:
        """uint8 of ``shape`` on the device, made by ``fill(array)`` on the host; does not wait for the device's work.

        It waits for the copy before the last one only.
        """
        turn = self._turn = (self._turn + 1) % STAGING_BUFFERS
        self._sent[turn].synchronize()
        buffer = self._buffers[turn]
        if buffer is None or buffer.shape != shape:
            buffer = self._buffers[turn] = torch.empty(shape, dtype=torch.uint8, pin_memory=True)
        fill(buffer.numpy())
        using = torch.cuda.current_stream(self._device)
        with torch.cuda.stream(self._stream):
            sent = buffer.to(self._device, non_blocking=True)
            self._sent[turn].record(self._stream)
        using.wait_event(self._sent[turn])
        sent.record_stream(using)
        return sent


def _sent(images: NDArray[Any], device: torch.device) -> Tensor:
    """A copy on the device, in blocks: a map of a file is never copied as a whole on the host."""
    sent = torch.empty(images.shape, dtype=torch.from_numpy(images[:0].copy()).dtype, device=device)
    rows = max(1, _BLOCK_BYTES // max(1, images[:1].nbytes))
    for start in range(0, len(images), rows):
        block = np.array(images[start : start + rows])
        sent[start : start + len(block)] = torch.from_numpy(block)
    return sent
