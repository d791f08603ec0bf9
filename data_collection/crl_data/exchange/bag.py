"""Reads ROS 2 bags without ROS: the messages of chosen topics, their stamps, numbers and pictures."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crl_data.exchange.errors import MappingError, SourceError
from crl_data.exchange.source import Image
from crl_robot.errors import nearest

if TYPE_CHECKING:
    from rosbags.highlevel import AnyReader
    from rosbags.interfaces import Connection

IMAGE_TYPES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
_PADDING_BYTES = 256
_CHANNELS = {"rgb8": 3, "bgr8": 3, "mono8": 1}


@dataclass(frozen=True)
class BagMessage:
    """One message: its topic, when the recorder got it (ns), and the message itself."""

    topic: str
    receive_ns: int
    body: Any

    @property
    def stamp_ns(self) -> int:
        """The source's stamp; that of arrival for types that carry none."""
        header = getattr(self.body, "header", None)
        return self.receive_ns if header is None else header.stamp.sec * 1_000_000_000 + header.stamp.nanosec


def is_bag(path: Path) -> bool:
    """Whether a path is a rosbag2: a folder with metadata.yaml, or a single .mcap or .db3 file."""
    return (path / "metadata.yaml").is_file() or (path.is_file() and path.suffix in (".mcap", ".db3"))


def bag_topics(path: Path) -> dict[str, str]:
    """Message type of each topic. Raises SourceError when the bag cannot be read."""
    with _Bag(path) as reader:
        return {connection.topic: connection.msgtype for connection in reader.connections}


def bag_messages(
    path: Path, topics: Collection[str], start_ns: int | None = None, stop_ns: int | None = None
) -> Iterator[BagMessage]:
    """The messages of some topics in the order of their arrival.

    Raises:
        MappingError: a topic is not in the bag; names the nearest.
        SourceError: the bag is damaged.
    """
    with _Bag(path) as reader:
        known = {connection.topic for connection in reader.connections}
        for topic in topics:
            if topic not in known:
                raise MappingError(f"{path} has no topic '{topic}', {nearest(topic, known)}")
        chosen = [connection for connection in reader.connections if connection.topic in topics]
        for connection, receive_ns, data in reader.messages(chosen, start_ns, stop_ns):
            yield BagMessage(connection.topic, receive_ns, _decode(reader, connection, data))


def numbers(body: Any, field: str, what: str) -> NDArray[np.float64]:
    """The numbers (k,) of a field such as ``position`` or ``pose.orientation`` (x, y, z, w). Raises MappingError."""
    value = body
    for name in field.split("."):
        if not hasattr(value, name):
            raise MappingError(f"{what} has no field '{name}', {nearest(name, _fields(value))}")
        value = getattr(value, name)
    for names in (("x", "y", "z", "w"), ("x", "y", "z")):
        if all(hasattr(value, name) for name in names):
            value = [getattr(value, name) for name in names]
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise MappingError(f"{what}.{field} holds no numbers; it has the fields {', '.join(_fields(value))}")
    return array.astype(np.float64).reshape(-1)


def picture(body: Any, what: str) -> Image:
    """The picture of an Image (rgb8, bgr8, mono8) or CompressedImage message. Raises SourceError."""
    if not hasattr(body, "encoding"):
        return bytes(body.data)
    if body.encoding not in _CHANNELS:
        raise SourceError(f"{what} is coded as {body.encoding}, expected {', '.join(_CHANNELS)} or a compressed image")
    row = body.width * _CHANNELS[body.encoding]
    if body.step < row or len(body.data) != body.step * body.height or not body.data.size:
        raise SourceError(f"{what} is {body.width}x{body.height} with step {body.step}, but has {len(body.data)} bytes")
    pixels = (
        np.asarray(body.data, np.uint8).reshape(body.height, body.step)[:, :row].reshape(body.height, body.width, -1)
    )
    if body.encoding == "mono8":
        return np.repeat(pixels, 3, axis=2)
    return np.ascontiguousarray(pixels if body.encoding == "rgb8" else pixels[:, :, ::-1])


def _fields(value: Any) -> Sequence[str]:
    return [name for name in getattr(value, "__dataclass_fields__", {}) if not name.startswith("__")]


def _decode(reader: AnyReader, connection: Connection, data: bytes) -> Any:
    """A message; rclpy leaves more padding behind one with text than `AnyReader.deserialize` allows, of any content."""
    if len(data) < 4 or data[0] or data[1] > 1:
        raise ValueError(f"a message of {connection.topic} does not begin as CDR does")
    kind = reader.typestore.get_msgdef(connection.msgtype)
    decode = kind.deserialize_cdr_le if data[1] else kind.deserialize_cdr_be
    body, end = decode(memoryview(data)[4:], 0, kind.cls, reader.typestore)
    if len(data) - 4 - end > _PADDING_BYTES:
        raise ValueError(f"a message of {connection.topic} is longer than its type {connection.msgtype}")
    return body


class _Bag:
    """An open bag whose errors are SourceErrors."""

    def __init__(self, path: Path) -> None:
        try:
            import apsw
            from rosbags.highlevel import AnyReader, AnyReaderError
            from rosbags.rosbag2 import ReaderError
            from rosbags.serde import SerdeError
            from rosbags.typesys import Stores, TypesysError, get_typestore
        except ImportError as error:
            raise MappingError("bags need the package 'rosbags'; install it: pip install rosbags") from error
        self._path = path
        self._damage = (
            *(AnyReaderError, ReaderError, SerdeError, TypesysError, apsw.Error, OSError, struct.error),
            *(AssertionError, IndexError, KeyError, RuntimeError, TypeError, ValueError),
        )
        self._make = lambda: AnyReader([path], default_typestore=get_typestore(Stores.LATEST))
        self._reader: AnyReader | None = None

    def __enter__(self) -> AnyReader:
        try:
            self._reader = self._make()
            self._reader.open()
        except self._damage as error:
            raise SourceError(f"{self._path} cannot be read as a bag: {error!r}") from error
        return self._reader

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if self._reader is not None:
            self._reader.close()
        if isinstance(error, self._damage) and not isinstance(error, MappingError | SourceError):
            raise SourceError(f"{self._path} is damaged: {error!r}") from error
