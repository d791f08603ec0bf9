"""The one writer of mp4 files: evaluation videos and the demo's."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from crl_robot.errors import ContractError


def write_video(path: Path | str, frames: Iterable[NDArray[np.uint8]], fps: float) -> Path:
    """Write uint8 (H, W, 3) RGB frames of one size as H.264, which browsers play; returns the path.

    H.264 with 4:2:0 chroma needs even sides, so an odd last row or column is repeated once.
    Frames may come from a generator: only one is held at a time. The folder of ``path`` is made.

    Raises:
        ContractError: there is no frame, fps is not positive, or a frame has another dtype or size.
    """
    if not fps > 0:
        raise ContractError(f"fps is {fps}, expected a rate above 0")
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise ContractError(f"no frames to write to {target}; expected at least one")
    shape = _checked(first, first.shape).shape
    height, width = shape[0] + shape[0] % 2, shape[1] + shape[1] % 2
    with av.open(str(target), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000), options={"crf": "20"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.thread_count = 1
        image = first
        while image is not None:
            padded = np.pad(_checked(image, shape), ((0, height - shape[0]), (0, width - shape[1]), (0, 0)), "edge")
            container.mux(stream.encode(av.VideoFrame.from_ndarray(padded, format="rgb24")))
            image = next(frames, None)
        container.mux(stream.encode())
    return target


def _checked(image: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.shape != shape:
        raise ContractError(f"frame is {image.dtype} {image.shape}, expected uint8 (H, W, 3) of one size, here {shape}")
    return image
