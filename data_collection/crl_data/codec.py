"""Images in and out of bytes: the pairs of functions that every stored frame passes through."""

from __future__ import annotations

import cv2
import numpy as np
from numcodecs import Zstd
from numpy.typing import NDArray

from crl_robot.errors import StoreError

ZSTD_LEVEL = 1
"""Level 3 takes about eight times as long to code frames with sensor noise, and saves 4 % of their size."""
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


def decode_jpeg(
    data: bytes | memoryview | NDArray[np.uint8], shape: tuple[int, int, int], out: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """A JPEG file -> uint8 (H, W, 3) RGB of the expected ``shape``, in ``out`` if given. Raises StoreError otherwise.

    ``out`` has that shape and is C-contiguous.
    """
    buffer = np.frombuffer(data, np.uint8)
    image = cv2.imdecode(buffer, cv2.IMREAD_COLOR) if buffer.size else None
    if image is None or image.shape != shape:
        got = "not a JPEG" if image is None else f"an image of shape {image.shape}"
        raise StoreError(f"a stored frame is {got}, expected {shape}; run 'crl-data check' on the store")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=out), dtype=np.uint8)


def encode_png(image: NDArray[np.uint8], compression: int | None = None) -> bytes:
    """uint8 (H, W, 3) RGB -> a PNG file. Raises StoreError when it cannot be coded.

    Args:
        compression: 0 (fast) to 9 (small); OpenCV's own choice when None.
    """
    options = [] if compression is None else [cv2.IMWRITE_PNG_COMPRESSION, compression]
    done, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise StoreError(f"OpenCV could not code an image of shape {image.shape} as PNG")
    return data.tobytes()


def encode_lossless(image: NDArray[np.uint8]) -> bytes:
    """uint8 (H, W, 3) -> one zstd frame that carries a checksum of its content."""
    return _ZSTD.encode(np.ascontiguousarray(image))


def decode_lossless(data: bytes | memoryview | NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """One zstd frame -> the C-contiguous array ``out``. Raises StoreError when it is damaged or of another size."""
    try:
        if _content_size(data) != out.nbytes:
            raise ValueError("it holds another number of bytes")
        _ZSTD.decode(data, out)
    except (RuntimeError, ValueError, IndexError) as error:
        raise StoreError(f"a stored frame is damaged ({error}), expected {out.shape}; run 'crl-data check'") from error


def _content_size(data: bytes | memoryview | NDArray[np.uint8]) -> int:
    """What the header of a zstd frame says (RFC 8878, 3.1.1.1); the decoder fills too large an output only in part."""
    descriptor = int(data[4])
    single_segment, wide = descriptor >> 5 & 1, descriptor >> 6
    length = (single_segment, 2, 4, 8)[wide]
    start = 6 - single_segment + (0, 1, 2, 4)[descriptor & 3]
    return int.from_bytes(bytes(data[start : start + length]), "little") + (256 if wide == 1 else 0)
