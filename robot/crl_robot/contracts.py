"""What flows between the parts: Action, ArmState, Frame, Observation, and the protocols of arm and camera.

Everything here is plain data, validated when it is made. All positions are in metres in the arm's base frame, all
stamps are integer nanoseconds, and no stamp is ever made up from a frame index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crl_robot.errors import ContractError, MismatchError

ACTION_NAMES = ("dx", "dy", "dz", "droll", "dpitch", "dyaw", "gripper")
ACTION_DIM = len(ACTION_NAMES)

ActionReference = Literal["previous_target", "measured", "environment"]


def _finite(name: str, value: ArrayLike, shape: tuple[int, ...], dtype: Any = np.float64) -> NDArray[Any]:
    array = np.array(value, dtype=dtype)
    if array.shape != shape:
        raise ContractError(f"{name} has shape {array.shape}, expected {shape}")
    if not np.isfinite(array).all():
        raise ContractError(f"{name} is not finite: {array.tolist()}; discard it and hold the arm")
    array.flags.writeable = False
    return array


@dataclass(frozen=True)
class ActionSpec:
    """What an Action means: declared by the data, the checkpoint and the robot, and refused on a mismatch.

    Attributes:
        rate_hz: control rate in Hz; deltas are per control tick, so the rate belongs to the meaning.
        reference: what the delta is added to: the previous target pose or the measured pose. 'environment' where there
            is no such pose: the entries are the controls of a benchmark's environment, each from -1 to 1.
        frame: frame of the deltas; rotation composes as R' = Rz Ry Rx R about the tool point. The environment's name
            where the reference is 'environment'.
        names: meaning of the entries; gripper is absolute, 0 closed to 1 open.
    """

    rate_hz: float = 5.0
    reference: ActionReference = "previous_target"
    frame: str = "base"
    names: tuple[str, ...] = ACTION_NAMES

    def __post_init__(self) -> None:
        if not (np.isfinite(self.rate_hz) and 0 < self.rate_hz <= 1000):
            raise ContractError(f"rate_hz is {self.rate_hz}, expected a rate above 0 and at most 1000 Hz")
        object.__setattr__(self, "names", tuple(self.names))
        known = ("environment",) if self.names != ACTION_NAMES else ("previous_target", "measured")
        if self.reference not in known:
            raise ContractError(
                f"reference is {self.reference!r}, expected {' or '.join(map(repr, known))} for actions "
                f"{', '.join(self.names)}"
            )

    @property
    def moves_an_arm(self) -> bool:
        """Whether these are Actions of an arm, rather than the controls of a benchmark's environment."""
        return self.reference != "environment"

    @property
    def period_s(self) -> float:
        return 1.0 / self.rate_hz

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"names": list(self.names)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ActionSpec:
        return cls(float(data["rate_hz"]), data["reference"], data["frame"], tuple(data["names"]))

    def require_equal(self, other: ActionSpec, mine: str, theirs: str) -> None:
        """Raise MismatchError naming both values where ``other`` differs; ``mine`` and ``theirs`` name the owners."""
        for key, value in self.to_dict().items():
            got = other.to_dict()[key]
            if got != value:
                raise MismatchError(
                    f"action semantics differ: {mine} has {key}={value!r}, {theirs} has {key}={got!r}; "
                    f"use data, checkpoint and robot settings with the same {key}"
                )


@dataclass(frozen=True)
class Action:
    """One control tick's command.

    Attributes:
        values: float32 (7,) = dx, dy, dz (m), droll, dpitch, dyaw (rad), gripper (0 closed .. 1 open).
        stamp_ns: stamp of the newest observation it was computed from, so that its age can be checked at the arm.
    """

    values: NDArray[np.float32]
    stamp_ns: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", _finite("action", self.values, (ACTION_DIM,), np.float32))


@dataclass(frozen=True)
class Pose:
    """Pose of the tool point in the base frame: position (3,) m and quaternion (4,) w, x, y, z."""

    position: NDArray[np.float64]
    quat_wxyz: NDArray[np.float64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "position", _finite("position", self.position, (3,)))
        quat = _finite("quat_wxyz", self.quat_wxyz, (4,))
        norm = float(np.linalg.norm(quat))
        if abs(norm - 1.0) > 1e-3:
            raise ContractError(f"quat_wxyz has norm {norm:.4f}, expected a unit quaternion (w, x, y, z)")
        object.__setattr__(self, "quat_wxyz", quat)


@dataclass(frozen=True)
class JointReading:
    """What an arm driver measured: joint positions (N,) rad, velocities (N,) rad/s, gripper opening 0..1, stamp.

    ``receive_stamp_ns`` is when it arrived here, None where it did not travel.
    """

    position: NDArray[np.float64]
    velocity: NDArray[np.float64]
    gripper: float
    stamp_ns: int
    receive_stamp_ns: int | None = None

    def __post_init__(self) -> None:
        n = np.asarray(self.position).shape
        object.__setattr__(self, "position", _finite("joint position", self.position, n))
        object.__setattr__(self, "velocity", _finite("joint velocity", self.velocity, n))
        object.__setattr__(self, "gripper", float(_finite("gripper", self.gripper, ())))


@dataclass(frozen=True)
class ArmState:
    """The arm at one instant: what was measured, and what was commanded.

    Attributes:
        joints: measured joints and gripper with their stamp.
        measured: tool pose from the measured joints.
        target: tool pose that the arm is being driven to (end of the current control tick).
        gripper_target: commanded gripper opening, 0 closed .. 1 open.
        mode: 'disabled', 'holding', 'moving' or 'estopped'.
        reason: why the arm is in that mode, empty when moving normally.
    """

    joints: JointReading
    measured: Pose
    target: Pose
    gripper_target: float
    mode: str
    reason: str = ""


@dataclass(frozen=True)
class Frame:
    """One camera image, uint8 (H, W, 3) RGB, with the stamps of its source and of its arrival (ns)."""

    image: NDArray[np.uint8]
    stamp_ns: int
    receive_stamp_ns: int

    def __post_init__(self) -> None:
        if self.image.dtype != np.uint8 or self.image.ndim != 3 or self.image.shape[2] != 3:
            raise ContractError(
                f"image has dtype {self.image.dtype} and shape {self.image.shape}, expected uint8 (H, W, 3) RGB"
            )

    @property
    def age_ms(self) -> float:
        """Age at arrival."""
        return (self.receive_stamp_ns - self.stamp_ns) / 1e6


@dataclass(frozen=True)
class Observation:
    """Everything known at one control tick.

    Attributes:
        frames: newest frame of each named camera.
        arm: newest arm state.
        stamp_ns: when the observation was put together, on the clock of the stamps.
    """

    frames: dict[str, Frame]
    arm: ArmState
    stamp_ns: int
    lost: dict[str, int] = field(default_factory=dict)

    def age_ms(self, camera: str) -> float:
        """Age of a camera's frame when the observation was put together."""
        return (self.stamp_ns - self.frames[camera].stamp_ns) / 1e6

    @property
    def newest_stamp_ns(self) -> int:
        """Stamp of the newest frame; an Action computed from this observation carries it."""
        return max(frame.stamp_ns for frame in self.frames.values())


@runtime_checkable
class Arm(Protocol):
    """A joint-position arm, simulated or real. Connecting never moves it, and motion needs `enable`."""

    @property
    def joint_names(self) -> tuple[str, ...]: ...

    def read(self) -> JointReading:
        """Newest measured joints. Raises ArmError when they cannot be read: values are never invented."""
        ...

    def command(self, position: NDArray[np.float64], gripper: float) -> None:
        """Stream one joint target (N,) rad and gripper opening 0..1. Raises ArmError when it cannot be sent."""
        ...

    def hold(self) -> None:
        """Stay where it is now; safe to call at any time, any number of times."""
        ...

    def enable(self) -> None:
        """Take commands from now on, and hold where it stands. Raises ArmError while anything makes that unsafe."""
        ...

    def reset(self) -> None:
        """Clear what the device latched after a fault, once its cause is gone; moves nothing. Raises ArmError."""
        ...

    def diagnostics(self) -> Mapping[str, float | int | str]:
        """Health of the device, to be published once a second. Raises ArmError when it cannot be asked."""
        ...

    def close(self) -> None:
        """Hold, then release the device."""
        ...


@runtime_checkable
class Camera(Protocol):
    """A camera with one native size, simulated or real."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> tuple[int, int]:
        """Native (width, height) in pixels."""
        ...

    def read(self) -> Frame:
        """Newest frame at native size. Raises CameraError when there is none."""
        ...

    def close(self) -> None: ...
