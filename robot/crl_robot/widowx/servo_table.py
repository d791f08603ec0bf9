"""Which servos an arm has and what they turn: read from a YAML file of configs/servos/ or of the user's own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from crl_robot.errors import ConfigError, nearest
from crl_robot.resources import config_file
from crl_robot.widowx.control_table import MODELS
from crl_robot.widowx.units import Linkage, radians_from_ticks

SHIPPED = ("wx200", "wx250", "wx250s", "vx300s")


@dataclass(frozen=True)
class Servo:
    """One servo.

    Attributes:
        name: of the joint it turns; a shadow has a name of its own.
        servo_id: its ID on the bus.
        model: its model's name, one of `MODELS`.
        reverse: whether bit 0 of its drive mode must be set, because it is built in the other way round.
        low, high: position limits in ticks.
        shadows: ID of the servo that it follows (its secondary ID), None when it is commanded itself.
    """

    name: str
    servo_id: int
    model: str
    reverse: bool
    low: int
    high: int
    shadows: int | None = None

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise ConfigError(f"servo '{self.name}' has model {self.model!r}, {nearest(str(self.model), MODELS)}")
        if not 0 <= self.servo_id <= 252:
            raise ConfigError(f"servo '{self.name}' has ID {self.servo_id}, expected 0 to 252")
        if not 0 <= self.low < self.high <= 4095:
            raise ConfigError(f"servo '{self.name}' has limits {self.low} .. {self.high} ticks, expected 0 to 4095")

    @property
    def limits_rad(self) -> tuple[float, float]:
        return radians_from_ticks(self.low), radians_from_ticks(self.high)


@dataclass(frozen=True)
class Gripper:
    """The gripper's servo and its linkage."""

    servo: Servo
    linkage: Linkage


@dataclass(frozen=True)
class ServoTable:
    """All servos of one kind of arm.

    Attributes:
        name: of the arm, such as 'wx250s'.
        baud: bits per second of the bus.
        velocity_limit: register value that the vendor ships, in units of 0.229 rev/min.
        joints: one servo a joint, from the base to the tool.
        shadows: servos that help another one.
        gripper: the gripper.
        poses: joint angles (N,) rad by name; 'home' and 'sleep' are there.
    """

    name: str
    baud: int
    velocity_limit: int
    joints: tuple[Servo, ...]
    shadows: tuple[Servo, ...]
    gripper: Gripper
    poses: Mapping[str, tuple[float, ...]]

    def __post_init__(self) -> None:
        ids = [s.servo_id for s in self.servos]
        names = [s.name for s in self.servos]
        if len(set(ids)) != len(ids) or len(set(names)) != len(names):
            raise ConfigError(f"servo table '{self.name}' has an ID or a name twice: IDs {ids}, names {names}")
        masters = {s.servo_id for s in self.joints}
        for shadow in self.shadows:
            if shadow.shadows not in masters:
                raise ConfigError(f"'{shadow.name}' shadows ID {shadow.shadows}, expected the ID of a joint: {masters}")
        for pose in ("home", "sleep"):
            if pose not in self.poses:
                raise ConfigError(f"servo table '{self.name}' has no pose '{pose}'; add it under poses")
        for pose in self.poses:
            self._check_pose(pose)

    @property
    def servos(self) -> tuple[Servo, ...]:
        """Every servo on the bus: joints, shadows, gripper."""
        return (*self.joints, *self.shadows, self.gripper.servo)

    @property
    def joint_names(self) -> tuple[str, ...]:
        return tuple(s.name for s in self.joints)

    @property
    def joint_limits(self) -> NDArray[np.float64]:
        """(N, 2) low and high in rad."""
        return np.array([s.limits_rad for s in self.joints])

    def joint_of(self, servo: Servo) -> str:
        """Name of the joint that a servo turns."""
        return servo.name if servo.shadows is None else self.by_id(servo.shadows).name

    def by_id(self, servo_id: int) -> Servo:
        """Raises ConfigError when there is none."""
        for servo in self.servos:
            if servo.servo_id == servo_id:
                return servo
        raise ConfigError(f"{self.name} has no servo with ID {servo_id}, known: {[s.servo_id for s in self.servos]}")

    def by_name(self, name: str) -> Servo:
        """Raises ConfigError naming the nearest one when there is none."""
        for servo in self.servos:
            if servo.name == name:
                return servo
        raise ConfigError(f"{self.name} has no servo '{name}', {nearest(name, [s.name for s in self.servos])}")

    def _check_pose(self, pose: str) -> None:
        angles = self.poses[pose]
        if len(angles) != len(self.joints) or not all(math.isfinite(a) for a in angles):
            raise ConfigError(f"pose '{pose}' is {angles}, expected {len(self.joints)} angles in rad")
        for servo, angle in zip(self.joints, angles, strict=True):
            low, high = servo.limits_rad
            if not low <= angle <= high:
                raise ConfigError(f"pose '{pose}' puts '{servo.name}' at {angle}, expected {low:.3f} .. {high:.3f} rad")


def load_servo_table(name_or_path: str | Path) -> ServoTable:
    """The table shipped under that name, or the one in that file. Raises ConfigError saying what is wrong in it."""
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        if str(name_or_path) not in SHIPPED:
            raise ConfigError(f"no servo table '{name_or_path}', {nearest(str(name_or_path), SHIPPED)}; or name a file")
        path = config_file(f"servos/{name_or_path}.yaml")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        return table_from_dict(data)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read as a servo table: {error}") from error
    except (ConfigError, TypeError, ValueError, KeyError) as error:
        raise ConfigError(f"{path}: {error}") from error


def table_from_dict(data: Any) -> ServoTable:
    """Plain data, as YAML gives it -> table. Raises ConfigError."""
    _require("the table", data, ("name", "baud", "velocity_limit", "joints", "shadows", "gripper", "poses"))
    gripper = dict(data["gripper"])
    linkage = gripper.pop("linkage", None)
    _require("gripper.linkage", linkage, [f.name for f in fields(Linkage)])
    return ServoTable(
        name=str(data["name"]),
        baud=int(data["baud"]),
        velocity_limit=int(data["velocity_limit"]),
        joints=tuple(_servo(name, entry) for name, entry in data["joints"].items()),
        shadows=tuple(_servo(name, entry, shadow=True) for name, entry in (data["shadows"] or {}).items()),
        gripper=Gripper(_servo("gripper", gripper), Linkage(**{k: float(v) for k, v in linkage.items()})),
        poses={str(k): tuple(float(a) for a in v) for k, v in data["poses"].items()},
    )


def _servo(name: str, data: Any, shadow: bool = False) -> Servo:
    keys = ("id", "model", "reverse", "limits", *(("shadows",) if shadow else ()))
    _require(f"servo '{name}'", data, keys)
    if not isinstance(data["reverse"], bool):
        raise ConfigError(f"reverse of servo '{name}' is {data['reverse']!r}, expected true or false")
    low, high = (int(v) for v in data["limits"])
    shadows = int(data["shadows"]) if shadow else None
    return Servo(name, int(data["id"]), str(data["model"]), data["reverse"], low, high, shadows)


def _require(what: str, data: Any, keys: Any) -> None:
    """Raise ConfigError unless ``data`` is a mapping with exactly ``keys``."""
    if not isinstance(data, dict):
        raise ConfigError(f"{what} is {data!r}, expected a mapping with {', '.join(keys)}")
    for key in data:
        if key not in keys:
            raise ConfigError(f"unknown key '{key}' in {what}, {nearest(str(key), keys)}")
    missing = [key for key in keys if key not in data]
    if missing:
        raise ConfigError(f"{what} lacks {', '.join(missing)}")
