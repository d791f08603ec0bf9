"""What an emulated Sawyer says of its joints and its hand, and how such a message can be wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_robot.contracts import Pose
from crl_robot.sawyer.model import JOINT_NAMES
from crl_robot.sawyer.topics import to_ros_time

Message = dict[str, Any]
_ZERO = {"x": 0.0, "y": 0.0, "z": 0.0}
_FINGERS = ("right_gripper_l_finger_joint", "right_gripper_r_finger_joint")


def arm_message(stamp_ns: int, position: NDArray[np.float64], velocity: NDArray[np.float64]) -> Message:
    """JointState of the arm (7,) among the other joints of the robot."""
    names = ["head_pan", *JOINT_NAMES, "torso_t0"]
    return _joint_state(stamp_ns, names, [0.0, *position.tolist(), 0.0], [0.0, *velocity.tolist(), 0.0])


def fingers_message(stamp_ns: int, gap_m: float) -> Message:
    """JointState of the gripper's fingers, which come in messages of their own."""
    return _joint_state(stamp_ns, list(_FINGERS), [gap_m / 2, -gap_m / 2], [0.0, 0.0])


def endpoint_message(stamp_ns: int, pose: Pose) -> Message:
    """EndpointState of the hand, without load."""
    return {
        "header": _header(stamp_ns),
        "pose": {
            "position": dict(zip("xyz", pose.position.tolist(), strict=True)),
            "orientation": dict(zip("wxyz", pose.quat_wxyz.tolist(), strict=True)),
        },
        "twist": {"linear": _ZERO, "angular": _ZERO},
        "wrench": {"force": _ZERO, "torque": _ZERO},
        "valid": True,
    }


def spoiled(message: Message, wrong: str) -> Message:
    """The arm's JointState with one thing wrong: 'null', 'text', 'short', 'names', 'clock', or nothing for ''."""
    changes: Mapping[str, Any] = {
        "null": lambda: message["position"].__setitem__(3, None),
        "text": lambda: message["position"].__setitem__(3, "0.1"),
        "short": lambda: message["position"].pop(),
        "names": lambda: message["name"].__setitem__(3, "left_j2"),
        "clock": lambda: message["header"]["stamp"].update(secs=message["header"]["stamp"]["secs"] - 60),
        "": lambda: None,
    }
    changes[wrong]()
    return message


def _joint_state(stamp_ns: int, names: list[str], position: Sequence[float], velocity: Sequence[float]) -> Message:
    empty = [0.0] * len(names)
    return {
        "header": _header(stamp_ns),
        "name": names,
        "position": list(position),
        "velocity": list(velocity),
        "effort": empty,
    }


def _header(stamp_ns: int) -> Message:
    return {"seq": 0, "stamp": to_ros_time(stamp_ns), "frame_id": "base"}
