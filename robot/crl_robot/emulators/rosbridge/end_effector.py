"""The electric gripper of an emulated Sawyer: JSON commands inside messages, and the state that answers them."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from typing import Any

from crl_robot.sawyer.model import GRIPPER_STROKE_M
from crl_robot.sawyer.topics import from_ros_time, to_ros_time

_REMEMBERED = 20


class EmulatedGripper:
    """Calibrated and without error until told otherwise.

    Attributes:
        target_m: gap that it was told to make; calibration opens it.
        lose: how many of the next commands get lost.
    """

    def __init__(self, gap_m: float) -> None:
        self.target_m = gap_m
        self.calibrated = True
        self.error = False
        self.lose = 0
        self._taken: deque[int] = deque(maxlen=_REMEMBERED)

    def obey(self, message: Mapping[str, Any]) -> str:
        """Take one IOComponentCommand; returns why it was refused, empty when it was not."""
        if self.lose > 0:
            self.lose -= 1
            return "gripper command lost"
        try:
            signals = json.loads(message["args"])["signals"]
            values = {name: signal["data"][0] for name, signal in signals.items()}
            stamp_ns = from_ros_time(message["time"])
        except (KeyError, TypeError, IndexError, ValueError):
            return "gripper arguments"
        self._taken.append(stamp_ns)
        if values.get("calibrate"):
            self.calibrated, self.error, self.target_m = True, False, GRIPPER_STROKE_M
        if "position_m" not in values:
            return ""
        if self.error or not self.calibrated:
            return "gripper not ready"
        self.target_m = min(max(float(values["position_m"]), 0.0), GRIPPER_STROKE_M)
        return ""

    def message(self, stamp_ns: int, gap_m: float) -> dict[str, Any]:
        """IODeviceStatus."""
        moving = abs(gap_m - self.target_m) > 1e-4
        signals = {
            "position_response_m": ("float", gap_m),
            "is_calibrated": ("bool", self.calibrated),
            "has_error": ("bool", self.error),
            "is_moving": ("bool", moving),
        }
        return {
            "time": to_ros_time(stamp_ns),
            "device": {"name": "right_gripper", "status": {"tag": "ready", "id": "", "detail": ""}},
            "ports": [],
            "signals": [_signal(name, kind, value) for name, (kind, value) in signals.items()],
            "commands": [to_ros_time(taken) for taken in self._taken],
            "responses": [],
        }


def _signal(name: str, kind: str, value: float | bool) -> dict[str, Any]:
    role = json.dumps({"type": kind, "role": "output"})
    return {"name": name, "format": role, "data": json.dumps([value]), "status": {"tag": "", "id": "", "detail": ""}}
