"""Image messages of any usual kind to our frames, and frames to compressed messages."""

from __future__ import annotations

import array

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image

from crl_robot.contracts import Frame
from crl_robot.errors import ContractError
from crl_robot.nodes.messages import ns_from_time, time_from_ns

# Channels of each encoding, and OpenCV's way from it to RGB.
_ENCODINGS: dict[str, tuple[int, int | None]] = {
    "rgb8": (3, None),
    "bgr8": (3, cv2.COLOR_BGR2RGB),
    "rgba8": (4, cv2.COLOR_RGBA2RGB),
    "bgra8": (4, cv2.COLOR_BGRA2RGB),
    "mono8": (1, cv2.COLOR_GRAY2RGB),
    "8UC1": (1, cv2.COLOR_GRAY2RGB),
    "8UC3": (3, cv2.COLOR_BGR2RGB),
}
JPEG_FORMAT = "rgb8; jpeg compressed bgr8"
"""As ROS's image_transport writes it: the encoding of the image, and what is in the JPEG."""


def frame_from_any_image(msg: Image, receive_stamp_ns: int) -> Frame:
    """The frame of a raw image in rgb8, bgr8, rgba8, bgra8 or mono8, rows padded or not.

    Raises:
        ContractError: another encoding, a size that does not fit the data, or no stamp.
    """
    if msg.encoding not in _ENCODINGS:
        raise ContractError(f"image has encoding '{msg.encoding}', expected one of {', '.join(_ENCODINGS)}")
    channels, conversion = _ENCODINGS[msg.encoding]
    row = msg.width * channels
    if msg.step < row or len(msg.data) != msg.step * msg.height or not len(msg.data):
        raise ContractError(
            f"image is {msg.encoding} {msg.width}x{msg.height}, step {msg.step}, {len(msg.data)} bytes; expected a "
            f"step of {row} or more and step times height bytes, and at least one pixel"
        )
    rows = np.frombuffer(msg.data, np.uint8).reshape(msg.height, msg.step)[:, :row]
    pixels = rows.reshape(msg.height, msg.width, channels)
    image = np.ascontiguousarray(pixels) if conversion is None else cv2.cvtColor(pixels, conversion)
    return Frame(np.asarray(image, np.uint8), _stamp_ns(msg), receive_stamp_ns)


def frame_from_compressed(msg: CompressedImage, receive_stamp_ns: int) -> Frame:
    """The frame of a JPEG or PNG. Raises ContractError when it cannot be decoded, or is a depth image, or unstamped."""
    if "compressedDepth" in msg.format:
        raise ContractError(f"image has format '{msg.format}', expected a picture; name the colour topic")
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    data = np.frombuffer(msg.data, np.uint8)
    image = cv2.imdecode(data, flags) if data.size else None
    if image is None:
        raise ContractError(f"compressed image of {data.size} bytes and format '{msg.format}' cannot be decoded")
    return Frame(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8), _stamp_ns(msg), receive_stamp_ns)


def jpeg_message(image: NDArray[np.uint8], stamp_ns: int, frame_id: str, quality: int) -> CompressedImage:
    """uint8 (H, W, 3) RGB as JPEG of ``quality`` 1 to 100."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    msg = CompressedImage(format=JPEG_FORMAT)
    buffer = array.array("B")
    buffer.frombytes(data.data)
    msg.data = buffer
    msg.header.stamp = time_from_ns(stamp_ns)
    msg.header.frame_id = frame_id
    return msg


def _stamp_ns(msg: Image | CompressedImage) -> int:
    stamp_ns = ns_from_time(msg.header.stamp)
    if stamp_ns <= 0:
        raise ContractError(
            "image has no stamp, expected that of its capture in the header; a made-up one would mislead"
        )
    return stamp_ns
