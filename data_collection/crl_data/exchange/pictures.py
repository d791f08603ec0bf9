"""Pictures of a source on their way into a store: looked at one by one, never all in memory."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from crl_data.episode_file import EpisodeFile
from crl_data.exchange.convert import Converted
from crl_data.exchange.errors import SourceError
from crl_data.exchange.source import CameraSource, Image, require_lengths
from crl_data.schema import CameraSpec

_START_OF_JPEG, _END_OF_JPEG = b"\xff\xd8", b"\xff\xd9"


def decode_image(data: bytes, what: str) -> NDArray[np.uint8]:
    """A JPEG or PNG file -> uint8 (H, W, 3) RGB. Raises SourceError when it is no whole picture."""
    whole = not data.startswith(_START_OF_JPEG) or data.rstrip(b"\0").endswith(_END_OF_JPEG)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data and whole else None
    if image is None:
        raise SourceError(f"{what} is no whole picture ({len(data)} bytes)")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def native_size(name: str, camera: CameraSource) -> tuple[int, int]:
    """(width, height) of a camera's first frame. Raises SourceError when it has none."""
    for image in camera.frames():
        height, width = (decode_image(image, f"camera '{name}', frame 0") if isinstance(image, bytes) else image).shape[
            :2
        ]
        return (width, height)
    raise SourceError(f"camera '{name}' has no frames")


def add_frames(
    file: EpisodeFile, cameras: Mapping[str, CameraSource], specs: Mapping[str, CameraSpec], converted: Converted
) -> None:
    """Write the frames of the steps that are kept. Raises SourceError when they are damaged, missing or too many."""
    for name, camera in cameras.items():
        rows = range(converted.first, converted.first + converted.steps)
        count = 0
        for row, image in enumerate(camera.frames()):
            if row in rows:
                _add_frame(file, name, specs[name], camera, row, image)
                count += 1
        require_lengths({f"camera '{name}'": count}, converted.steps)


def _add_frame(file: EpisodeFile, name: str, spec: CameraSpec, camera: CameraSource, row: int, image: Image) -> None:
    what = f"camera '{name}', frame {row}"
    pixels = decode_image(image, what) if isinstance(image, bytes) else image
    if pixels.shape != spec.shape or pixels.dtype != np.uint8:
        raise SourceError(f"{what} is {pixels.dtype} {pixels.shape}, expected uint8 {spec.shape}")
    stamps = [None if s is None else int(s[row]) for s in (camera.stamp_ns, camera.receive_stamp_ns)]
    if isinstance(image, bytes) and image.startswith(_START_OF_JPEG) and spec.encoding == "jpeg":
        file.add_jpeg(name, image, *stamps)  # decoded only to see that it is whole: coding it again would lose quality
    else:
        file.add_frame(name, pixels, *stamps)
