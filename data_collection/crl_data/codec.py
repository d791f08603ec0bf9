"""JPEG in and out, the one pair of functions that every stored frame passes through."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from crl_robot.errors import StoreError


def encode_jpeg(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) RGB -> uint8 (B,) JPEG bytes, chroma not subsampled (4:4:4).

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
    return np.asarray(data, dtype=np.uint8).reshape(-1)


def decode_jpeg(data: NDArray[np.uint8], shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """uint8 (B,) JPEG bytes -> uint8 (H, W, 3) RGB of the expected ``shape``. Raises StoreError otherwise."""
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if image is None or image.shape != shape:
        got = "not a JPEG" if image is None else f"an image of shape {image.shape}"
        raise StoreError(f"a stored frame is {got}, expected {shape}; run 'crl-data check' on the store")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)
