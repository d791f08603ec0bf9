"""The ROS 1 message types that the emulator knows, and whether a JSON message fits one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Shape = Mapping[str, Any]
_TIME: Shape = {"secs": int, "nsecs": int}
_HEADER: Shape = {"seq": int, "stamp": _TIME, "frame_id": str}

TYPES: Mapping[str, Shape] = {
    "std_msgs/Bool": {"data": bool},
    "std_msgs/Empty": {},
    "std_msgs/Float64": {"data": float},
    "sensor_msgs/JointState": {
        "header": _HEADER,
        "name": [str],
        "position": [float],
        "velocity": [float],
        "effort": [float],
    },
    "intera_core_msgs/JointCommand": {
        "header": _HEADER,
        "mode": int,
        "names": [str],
        "position": [float],
        "velocity": [float],
        "acceleration": [float],
        "effort": [float],
    },
    "intera_core_msgs/IOComponentCommand": {"time": _TIME, "op": str, "args": str},
    "intera_core_msgs/RobotAssemblyState": {},
    "intera_core_msgs/EndpointState": {},
    "intera_core_msgs/IODeviceStatus": {},
}


def mismatch(shape: Shape, message: Any, path: str = "") -> str:
    """Why ``message`` does not fit, empty when it does. Fields that are left out keep ROS's default."""
    if not isinstance(message, Mapping):
        return f"{path or 'message'} is {message!r}, not an object"
    for name, value in message.items():
        where = f"{path}.{name}" if path else name
        if name not in shape:
            return f"there is no field {where}"
        if reason := _value_mismatch(shape[name], value, where):
            return reason
    return ""


def _value_mismatch(kind: Any, value: Any, where: str) -> str:
    if isinstance(kind, Mapping):
        return mismatch(kind, value, where)
    if isinstance(kind, list):
        if not isinstance(value, list):
            return f"{where} is {value!r}, not a list"
        return next(filter(None, (_value_mismatch(kind[0], item, where) for item in value)), "")
    if isinstance(value, bool) != (kind is bool):
        return f"{where} is {value!r}, not {kind.__name__}"
    fits = isinstance(value, int | float) if kind is float else isinstance(value, kind)
    return "" if fits else f"{where} is {value!r}, not {kind.__name__}"
