"""Names and ROS 1 types of the topics between the driver and Sawyer, and what a message of each looks like as JSON.

Pure functions: a dict comes in or goes out. Field names are those of intera_core_msgs 5.3.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_robot.errors import ContractError

JOINT_STATES = ("/robot/joint_states", "sensor_msgs/JointState")
STATE = ("/robot/state", "intera_core_msgs/RobotAssemblyState")
ENABLE = ("/robot/set_super_enable", "std_msgs/Bool")
RESET = ("/robot/set_super_reset", "std_msgs/Empty")
STOP = ("/robot/set_super_stop", "std_msgs/Empty")
POSITION_MODE = 1

Topic = tuple[str, str]
"""Name and type."""


def limb_topic(limb: str, name: str) -> Topic:
    """A topic of the arm: 'joint_command', 'joint_command_timeout', 'set_speed_ratio' or 'endpoint_state'."""
    types = {
        "joint_command": "intera_core_msgs/JointCommand",
        "joint_command_timeout": "std_msgs/Float64",
        "set_speed_ratio": "std_msgs/Float64",
        "endpoint_state": "intera_core_msgs/EndpointState",
    }
    return f"/robot/limb/{limb}/{name}", types[name]


def gripper_topic(gripper: str, name: str) -> Topic:
    """A topic of the gripper: 'command' or 'state'."""
    types = {"command": "intera_core_msgs/IOComponentCommand", "state": "intera_core_msgs/IODeviceStatus"}
    return f"/io/end_effector/{gripper}/{name}", types[name]


def to_ros_time(stamp_ns: int) -> dict[str, int]:
    """Nanoseconds -> a ROS 1 time."""
    return {"secs": stamp_ns // 1_000_000_000, "nsecs": stamp_ns % 1_000_000_000}


def from_ros_time(time: Mapping[str, Any]) -> int:
    """A ROS 1 time -> nanoseconds. Raises ContractError when it is none."""
    try:
        return int(time["secs"]) * 1_000_000_000 + int(time["nsecs"])
    except (KeyError, TypeError, ValueError) as error:
        raise ContractError(f"stamp is {time!r}, expected secs and nsecs") from error


@dataclass(frozen=True)
class JointSample:
    """Joints (N,) rad and rad/s in the driver's order, with the robot's own stamp."""

    position: NDArray[np.float64]
    velocity: NDArray[np.float64]
    source_ns: int


def parse_joint_states(message: Mapping[str, Any], names: Sequence[str]) -> JointSample | None:
    """The joints ``names`` in that order, whatever the order and the other joints of the message.

    Returns None for a message that has none of them (the gripper's fingers come so).
    Raises ContractError when only some are there, when lengths differ, or when a value is not a finite number.
    """
    try:
        index = {name: place for place, name in enumerate(message["name"])}
        stamp = message["header"]["stamp"]
    except (KeyError, TypeError) as error:
        raise ContractError(f"joint states lack {error}, expected name and header.stamp") from error
    missing = [name for name in names if name not in index]
    if len(missing) == len(names):
        return None
    if missing:
        raise ContractError(f"joint states lack {missing}, got {sorted(index)}, expected {list(names)}")
    places = [index[name] for name in names]
    return JointSample(_pick(message, "position", places), _pick(message, "velocity", places), from_ros_time(stamp))


def joint_command(names: Sequence[str], position: NDArray[np.float64], stamp_ns: int) -> dict[str, Any]:
    """A JointCommand in position mode; the fields that the mode does not use are empty."""
    return {
        "header": {"seq": 0, "stamp": to_ros_time(stamp_ns), "frame_id": ""},
        "mode": POSITION_MODE,
        "names": list(names),
        "position": position.tolist(),
        "velocity": [],
        "acceleration": [],
        "effort": [],
    }


@dataclass(frozen=True)
class Endpoint:
    """The robot's own estimate: hand position (3,) m, quaternion (4,) w x y z, force (3,) N, torque (3,) N m."""

    position: NDArray[np.float64]
    quat_wxyz: NDArray[np.float64]
    force: NDArray[np.float64]
    torque: NDArray[np.float64]
    valid: bool
    source_ns: int


def parse_endpoint(message: Mapping[str, Any]) -> Endpoint:
    """Raises ContractError when a field is missing or not a finite number."""
    try:
        pose, wrench = message["pose"], message["wrench"]
        return Endpoint(
            _vector(pose["position"], "xyz"),
            _vector(pose["orientation"], "wxyz"),
            _vector(wrench["force"], "xyz"),
            _vector(wrench["torque"], "xyz"),
            bool(message["valid"]),
            from_ros_time(message["header"]["stamp"]),
        )
    except (KeyError, TypeError) as error:
        raise ContractError(f"endpoint state lacks {error}") from error


@dataclass(frozen=True)
class GripperSample:
    """What the electric gripper reports: gap in m, flags, and the stamps of the commands it has taken."""

    position_m: float
    calibrated: bool
    error: bool
    taken_ns: tuple[int, ...]


def parse_gripper(message: Mapping[str, Any]) -> GripperSample:
    """Raises ContractError when a signal is missing or not what it should be."""
    try:
        signals = {signal["name"]: json.loads(signal["data"])[0] for signal in message["signals"]}
        position = signals["position_response_m"]
        calibrated, error = signals["is_calibrated"], signals["has_error"]
        taken = tuple(from_ros_time(stamp) for stamp in message["commands"])
    except (KeyError, TypeError, IndexError, json.JSONDecodeError) as fault:
        raise ContractError(f"gripper state is not understood: {fault!r}; is it an electric gripper?") from fault
    if not isinstance(position, int | float) or not np.isfinite(position):
        raise ContractError(f"gripper position is {position!r}, expected a finite number in m")
    return GripperSample(float(position), bool(calibrated), bool(error), taken)


def gripper_command(signal: str, kind: str, value: float | bool, stamp_ns: int) -> dict[str, Any]:
    """Set one signal of the gripper; ``kind`` is 'float' or 'bool'. The arguments travel as JSON inside the JSON."""
    arguments = {"signals": {signal: {"format": {"type": kind}, "data": [value]}}}
    return {"time": to_ros_time(stamp_ns), "op": "set", "args": json.dumps(arguments)}


def _pick(message: Mapping[str, Any], field: str, places: Sequence[int]) -> NDArray[np.float64]:
    values = message.get(field)
    count = len(message["name"])
    if not isinstance(values, list) or len(values) != count:
        raise ContractError(f"joint states have {field}={values!r}, expected {count} numbers, one for each name")
    return _finite(field, [values[place] for place in places])


def _vector(mapping: Mapping[str, Any], keys: str) -> NDArray[np.float64]:
    return _finite(keys, [mapping[key] for key in keys])


def _finite(name: str, values: list[Any]) -> NDArray[np.float64]:
    if not all(isinstance(value, int | float) and np.isfinite(value) for value in values):
        raise ContractError(f"{name} is {values}, expected finite numbers")
    return np.array(values, dtype=np.float64)
