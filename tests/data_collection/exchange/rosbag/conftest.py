"""Writes bags with the rosbags library."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from crl_data.exchange.mapping_file import mapping_from_dict, merged
from crl_data.exchange.rosbag import OPTIONS, PRESET, import_rosbag

MAPPING = {
    "robot": "widowx250s",
    "rate": 5,
    "reference": "previous_target",
    "frame": "base",
    "labels": "commanded",
    "encoding": "lossless",
    "action_stamp": "observation",
    "cameras": {"/over_shoulder/image_raw": "over_shoulder"},
    "action": {
        "kind": "delta",
        "position": "/arm/commanded.position[0:3]",
        "rotation": "/arm/commanded.position[3:6]",
        "rotation_as": "rpy",
        "gripper": {"value": "/arm/commanded.position[gripper]", "open": 1, "closed": 0},
    },
    "tool": {
        "position": "/arm/pose.pose.position",
        "rotation": "/arm/pose.pose.orientation",
        "rotation_as": "quat_xyzw",
    },
    "gripper": {"value": "/joint_states.position[gripper]", "open": 1, "closed": 0},
    "joints": {"names": ["waist", "shoulder", "elbow"], "position": "/joint_states.position[0:3]"},
}


def take_bag(source, out, *, skip_damaged=False, **changes):
    """Import by MAPPING with some of its keys changed."""
    mapping = mapping_from_dict(merged(merged(PRESET, MAPPING), changes), OPTIONS)
    return import_rosbag(source, mapping, out, skip_damaged=skip_damaged, progress=False)


class BagFiles:
    """Bags of this project's own topics at 5 Hz, with joints at 50 Hz; stamps and values are functions of the tick."""

    camera = "/over_shoulder/image_raw"
    period_ns = 200_000_000
    start_ns = 1_700_000_000_000_000_000
    late_ns = 10_000_000
    names = ("dx", "dy", "dz", "droll", "dpitch", "dyaw", "gripper")
    joints = ("waist", "shoulder", "elbow", "gripper")
    types = get_typestore(Stores.ROS2_JAZZY)

    def message(self, kind: str, **fields):
        return self.types.types[kind](**fields)

    def header(self, stamp_ns: int, frame: str = "base_link"):
        stamp = self.message("builtin_interfaces/msg/Time", sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
        return self.message("std_msgs/msg/Header", stamp=stamp, frame_id=frame)

    def image(self, tick: int) -> np.ndarray:
        pixels = np.full((24, 32, 3), (tick % 250, 80, 160), np.uint8)
        pixels[4:12, tick % 20 : tick % 20 + 8] = (250, 10, 10)
        return pixels

    def image_msg(self, stamp_ns: int, pixels: np.ndarray, encoding: str = "rgb8", pad: int = 0):
        rows = pixels.reshape(len(pixels), -1)
        data = np.pad(rows, ((0, 0), (0, pad)))
        return self.message(
            "sensor_msgs/msg/Image",
            header=self.header(stamp_ns, "over_shoulder"),
            height=pixels.shape[0],
            width=pixels.shape[1],
            encoding=encoding,
            is_bigendian=0,
            step=data.shape[1],
            data=data.reshape(-1),
        )

    def joint_msg(self, stamp_ns: int, names, position):
        empty = np.zeros(0)
        position = np.asarray(position, np.float64)
        return self.message(
            "sensor_msgs/msg/JointState",
            header=self.header(stamp_ns),
            name=list(names),
            position=position,
            velocity=np.zeros_like(position),
            effort=empty,
        )

    def pose_msg(self, stamp_ns: int, position, quat_xyzw=(0.0, 0.0, 0.0, 1.0)):
        point = self.message("geometry_msgs/msg/Point", **dict(zip("xyz", map(float, position), strict=True)))
        turn = self.message("geometry_msgs/msg/Quaternion", **dict(zip("xyzw", map(float, quat_xyzw), strict=True)))
        pose = self.message("geometry_msgs/msg/Pose", position=point, orientation=turn)
        return self.message("geometry_msgs/msg/PoseStamped", header=self.header(stamp_ns), pose=pose)

    def action(self, tick: int) -> np.ndarray:
        return np.array([0.01, 0.001 * (tick % 9), 0, 0, 0, 0.02, tick % 2])

    def states(self, tick: int) -> Iterator[tuple[int, str, object]]:
        """Ten states after a tick; the tool moves along x by 1 cm each tick."""
        for part in range(10):
            stamp = self.start_ns + tick * self.period_ns + part * self.period_ns // 10
            time = tick + part / 10
            yield (
                stamp + 1_000_000,
                "/joint_states",
                self.joint_msg(stamp, self.joints, [time, 2 * time, 3 * time, 0.5]),
            )
            yield stamp + 1_000_000, "/arm/pose", self.pose_msg(stamp, [0.01 * time, 0, 0.1])

    def tick(self, tick: int) -> list[tuple[int, str, object]]:
        """What is sent at a tick: a frame, and a little later the action that was computed from it."""
        stamp = self.start_ns + tick * self.period_ns
        action = self.joint_msg(stamp, self.names, self.action(tick))
        frame = self.image_msg(stamp, self.image(tick))
        sent = [(stamp + self.late_ns, self.camera, frame), (stamp + 3 * self.late_ns, "/arm/commanded", action)]
        return sent + list(self.states(tick))

    def ticks(self, count: int) -> list[tuple[int, str, object]]:
        return [message for tick in range(count) for message in self.tick(tick)] + list(self.states(count))[:4]

    @contextmanager
    def writer(self, path: Path, plugin: StoragePlugin = StoragePlugin.MCAP):
        """Gives a function that writes one message: (receive stamp, topic, message)."""
        with Writer(path, version=9, storage_plugin=plugin) as bag:
            connections = {}

            def write(receive_ns: int, topic: str, message, data: bytes | None = None) -> None:
                kind = message.__msgtype__
                if topic not in connections:
                    connections[topic] = bag.add_connection(topic, kind, typestore=self.types)
                raw = data or self.types.serialize_cdr(message, kind)
                bag.write(connections[topic], receive_ns, raw)

            yield write

    def write(self, path: Path, messages: list[tuple[int, str, object]], plugin=StoragePlugin.MCAP) -> Path:
        with self.writer(path, plugin) as write:
            for receive_ns, topic, message in sorted(messages, key=lambda sent: sent[0]):
                write(receive_ns, topic, message)
        return path


@pytest.fixture
def bags() -> BagFiles:
    return BagFiles()


@pytest.fixture
def take():
    return take_bag
