"""What a trajectory store declares about itself: written once into the root group, compared before data are mixed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from crl_robot.contracts import ActionSpec
from crl_robot.errors import ContractError, MismatchError, StoreError, nearest

SCHEMA_NAME = "crl_store"
SCHEMA_VERSION = 2

Encoding = Literal["jpeg", "lossless"]
Labels = Literal["commanded", "achieved"]
LABELS: tuple[Labels, ...] = get_args(Labels)

CAMERA_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
"""A camera's name is that of a folder in the store and part of file names elsewhere."""


class StoreMismatchError(StoreError, MismatchError):
    """A store holds other cameras, rates, action semantics or robots than asked for; names both values."""


@dataclass(frozen=True)
class CameraSpec:
    """How one camera's frames are kept.

    Attributes:
        native: (width, height) in pixels, never changed before storing.
        encoding: 'jpeg' (4:4:4) or 'lossless' (zstd).
        quality: JPEG quality 1..100; without meaning for 'lossless'.
    """

    native: tuple[int, int] = (320, 240)
    encoding: Encoding = "jpeg"
    quality: int = 95

    def __post_init__(self) -> None:
        object.__setattr__(self, "native", tuple(int(v) for v in self.native))
        if len(self.native) != 2 or min(self.native) < 1:
            raise ContractError(f"native is {self.native}, expected (width, height) of at least 1 pixel")
        if self.encoding not in get_args(Encoding):
            raise ContractError(f"encoding is {self.encoding!r}, {nearest(self.encoding, get_args(Encoding))}")
        if not 1 <= self.quality <= 100:
            raise ContractError(f"JPEG quality is {self.quality}, expected 1 to 100")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, 3) of one frame."""
        return (self.native[1], self.native[0], 3)

    def to_dict(self) -> dict[str, Any]:
        return {"native": list(self.native), "encoding": self.encoding, "quality": self.quality}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CameraSpec:
        width, height = data["native"]
        return cls((width, height), data["encoding"], int(data["quality"]))


@dataclass(frozen=True)
class StoreSpec:
    """What every episode of a store has in common.

    Attributes:
        action: what an action means, rate included.
        cameras: the cameras of every episode.
        robot: name of the robot that moved.
        joint_names: (N,) names of the arm's joints, without the gripper; empty where no joints are known.
        labels: the actions that every episode has and training may learn from.
        state_names: (D,) names of the entries of the state vector of every step; empty where there is none.
    """

    action: ActionSpec
    cameras: Mapping[str, CameraSpec]
    robot: str
    joint_names: tuple[str, ...]
    labels: tuple[Labels, ...] = LABELS
    state_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "joint_names", tuple(self.joint_names))
        object.__setattr__(self, "labels", tuple(label for label in LABELS if label in self.labels))
        object.__setattr__(self, "state_names", tuple(self.state_names))
        if not (self.cameras or self.state_names) or not self.labels:
            raise ContractError(
                f"a store needs at least one camera or state entry and one label of {', '.join(LABELS)}, got cameras "
                f"{sorted(self.cameras)}, {len(self.state_names)} state entries and labels {list(self.labels)}"
            )

        odd = [name for name in self.cameras if not CAMERA_NAME.fullmatch(name)]
        if odd:
            raise ContractError(
                f"cameras are named {odd}, expected letters, digits, '_', '-' and '.', with no '-' or '.' in front; "
                "name them otherwise"
            )

    def camera(self, name: str) -> CameraSpec:
        """The spec of one camera; raises StoreError naming the nearest one."""
        self.require_cameras()
        if name not in self.cameras:
            raise StoreError(f"the store has no camera '{name}', {nearest(name, self.cameras)}")
        return self.cameras[name]

    def require_cameras(self) -> None:
        """Raises StoreError where there is no camera."""
        if not self.cameras:
            raise StoreError(f"the store of '{self.robot}' holds states without images, expected those of a camera")

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA_NAME,
            "schema_version": SCHEMA_VERSION,
            "action_spec": self.action.to_dict(),
            "labels": list(self.labels),
            "cameras": {name: camera.to_dict() for name, camera in self.cameras.items()},
            "robot": self.robot,
            "joint_names": list(self.joint_names),
            "state_names": list(self.state_names),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> StoreSpec:
        """Raises StoreError when ``data`` is not of this schema and version."""
        if data.get("schema") != SCHEMA_NAME:
            raise StoreError(
                f"schema is {data.get('schema')!r}, expected '{SCHEMA_NAME}'; this is not a trajectory store"
            )
        if data.get("schema_version") != SCHEMA_VERSION:
            raise StoreError(
                f"schema version is {data.get('schema_version')!r}, this program reads version {SCHEMA_VERSION}; "
                "an older store is copied into the present one by 'crl-data migrate OLD NEW'"
            )
        return cls(
            ActionSpec.from_dict(data["action_spec"]),
            {name: CameraSpec.from_dict(camera) for name, camera in data["cameras"].items()},
            data["robot"],
            tuple(data["joint_names"]),
            tuple(data["labels"]),
            tuple(data.get("state_names", ())),  # stores made before there were any have none
        )

    def require_equal(self, other: StoreSpec, mine: str, theirs: str) -> None:
        """Raise StoreMismatchError naming both values where ``other`` differs; the names tell the owners apart."""
        for key, value in self.to_dict().items():
            got = other.to_dict()[key]
            if got != value:
                raise StoreMismatchError(
                    f"{mine} has {key}={value!r}, {theirs} has {key}={got!r}; use another store or the same {key}"
                )
