"""Images in and out of bytes: the pairs of functions that every stored frame passes through."""

from __future__ import annotations

import cv2
import numpy as np
from numcodecs import Zstd
from numpy.typing import NDArray

from crl_robot.errors import StoreError

ZSTD_LEVEL = 1
"""Level 3 takes three times as long for 1.5 % of size on frames with sensor noise."""
_ZSTD = Zstd(level=ZSTD_LEVEL, checksum=True)


def encode_jpeg(image: NDArray[np.uint8], quality: int) -> bytes:
    """uint8 (H, W, 3) RGB -> a JPEG file, chroma not subsampled (4:4:4).

    Small coloured objects are what the policy looks for, and subsampling would blur their edges.
    """
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise StoreError(f"OpenCV could not code an image of shape {image.shape} as JPEG")
    return data.tobytes()


def decode_jpeg(data: bytes | NDArray[np.uint8], shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """A JPEG file -> uint8 (H, W, 3) RGB of the expected ``shape``. Raises StoreError otherwise."""
    buffer = np.frombuffer(data, np.uint8)
    image = cv2.imdecode(buffer, cv2.IMREAD_COLOR) if buffer.size else None
    if image is None or image.shape != shape:
        got = "not a JPEG" if image is None else f"an image of shape {image.shape}"
        raise StoreError(f"a stored frame is {got}, expected {shape}; run 'crl-data check' on the store")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def encode_lossless(image: NDArray[np.uint8]) -> bytes:
    """uint8 (H, W, 3) -> one zstd frame that carries a checksum of its content."""
    return _ZSTD.encode(np.ascontiguousarray(image))


def decode_lossless(data: bytes | NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """One zstd frame -> the C-contiguous array ``out``. Raises StoreError when it is damaged or of another size."""
    try:
        _ZSTD.decode(data, out)
    except (RuntimeError, ValueError) as error:
        raise StoreError(f"a stored frame is damaged ({error}), expected {out.shape}; run 'crl-data check'") from error
