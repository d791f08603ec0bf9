"""One episode in memory, as the writer makes it and the store reads it.

Step t holds the observation at control tick t and the action taken there. Arrays keep the names they have in the store.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from crl_data.codec import decode_jpeg, decode_lossless
from crl_data.schema import CameraSpec
from crl_robot.contracts import ACTION_DIM
from crl_robot.errors import StoreError
from crl_robot.geometry import matrix_from_quat, rpy_from_matrix

STEP_ARRAYS = {
    "stamp_ns": np.int64,
    "action_commanded": np.float32,
    "action_requested": np.float32,
    "action_achieved": np.float32,
    "state_stamp_ns": np.int64,
    "state_receive_stamp_ns": np.int64,
    "joints": np.float64,
    "joint_velocity": np.float64,
    "gripper": np.float64,
    "gripper_target": np.float64,
    "tool_measured": np.float64,
    "tool_target": np.float64,
    "truth_object": np.float64,
}
"""Arrays of length T that an episode may have; poses are (T, 7) position in m and quaternion w, x, y, z.

Required are ``action_<label>`` for each label that the store declares, and ``stamp_ns`` unless the source had no clock.
"""

TRUTH_ARRAY = "truth_object"
"""(T, 7) pose of the movable object, present only in simulation."""

ARM_STREAM = "streams/arm"
ARM_STREAM_ARRAYS = ("stamp_ns", "receive_stamp_ns", "joints", "joint_velocity", "gripper", "tool_measured")
"""Every state of the arm at its own rate, (M, ...), below ARM_STREAM; not in every episode."""

Clock = Literal["measured", "none"]


@dataclass(frozen=True)
class EpisodeMeta:
    """What is known of an episode besides its arrays; kept as attributes of its group.

    Attributes:
        id: name of its group, unique in the store.
        source: 'play', 'recorder', the name of an oracle task, or the format it was imported from.
        steps: number of steps T.
        created: UTC time in ISO 8601.
        seed: entropy of its random generator, empty when nothing was random.
        success: operator's or task's mark, None when nobody judged it.
        note: free text.
        operator: who drove or watched.
        robot_id: which arm of its kind.
        calibration: what is known of the cameras, by camera name.
        clock: 'measured', or 'none' where the source had no stamps; then the episode has none either.
        goal_steps: steps that the operator marked as goals.
        lost: what is known to be lost while recording: frames per camera, 'arm' states, 'steps', 'actions'.
        last_achieved: where the last row of action_achieved comes from: 'measured' when the arm was read once more
            after the last step, 'commanded', or 'still' when neither was known and no motion was assumed.
        options: anything else the source declares (task, noise, ...).
        checksums: SHA-256 of each array's content in C order, by its path inside the group.
    """

    id: str
    source: str
    steps: int = 0
    created: str = ""
    seed: tuple[int, ...] = ()
    success: bool | None = None
    note: str = ""
    operator: str = ""
    robot_id: str = ""
    calibration: dict[str, Any] = field(default_factory=dict)
    clock: Clock = "measured"
    goal_steps: tuple[int, ...] = ()
    lost: dict[str, int] = field(default_factory=dict)
    last_achieved: str = "commanded"
    options: dict[str, Any] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"seed": list(self.seed), "goal_steps": list(self.goal_steps)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> EpisodeMeta:
        lists = {name: tuple(data[name]) for name in ("seed", "goal_steps")}
        return cls(**{**data, **lists})


@dataclass(frozen=True)
class CameraTrack:
    """The frames of one camera, still coded and still on the disk.

    Attributes:
        spec: size and encoding.
        file: where the coded frames lie one after the other.
        spans: int64 (T, 2) first and past-the-last byte of each frame in the file.
        crc32: uint32 (T,) of each JPEG file; empty when lossless, where zstd carries a checksum of its own.
        stamp_ns: int64 (T,) stamps of the source; empty when the source had no clock.
        receive_stamp_ns: int64 (T,) stamps of arrival; empty likewise.
    """

    spec: CameraSpec
    file: Path
    spans: NDArray[np.int64]
    crc32: NDArray[np.uint32]
    stamp_ns: NDArray[np.int64]
    receive_stamp_ns: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.spans)

    def encoded(self, step: int) -> bytes:
        """The coded frame of one step: a JPEG file or a zstd frame. Raises StoreError when it is not there."""
        with self._open() as file:
            return self._read(file, step)

    def frame(self, step: int) -> NDArray[np.uint8]:
        """uint8 (H, W, 3) RGB of one step. Raises StoreError when it is damaged."""
        return self.decode(step, self.encoded(step))

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """Every frame in order. Raises StoreError at the first that is damaged."""
        for step, data in enumerate(self.all_encoded()):
            yield self.decode(step, data)

    def all_encoded(self) -> Iterator[bytes]:
        """Every coded frame in order, reading the file once."""
        with self._open() as file:
            for step in range(len(self)):
                yield self._read(file, step)

    def decode(self, step: int, data: bytes | memoryview, out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """uint8 (H, W, 3) RGB from the coded frame of ``step``, in ``out`` if given. Raises StoreError on damage."""
        if self.spec.encoding == "lossless":
            image = np.empty(self.spec.shape, np.uint8) if out is None else out
            decode_lossless(data, image)
            return image
        if zlib.crc32(data) != self.crc32[step]:
            raise StoreError(f"{self.file}: frame {step} is damaged, its checksum is not the recorded one; restore it")
        return decode_jpeg(data, self.spec.shape, out)

    def _open(self) -> BinaryIO:
        try:
            return self.file.open("rb")
        except OSError as error:
            raise StoreError(f"{self.file} cannot be read ({error}); run 'crl-data check'") from error

    def _read(self, file: BinaryIO, step: int) -> bytes:
        start, end = (int(byte) for byte in self.spans[step])
        if file.tell() != start:
            file.seek(start)
        data = file.read(end - start)
        if len(data) != end - start:
            raise StoreError(f"{self.file} ends inside frame {step}; run 'crl-data check'")
        return data


@dataclass(frozen=True)
class Episode:
    """A whole episode: ``arrays`` by the names of STEP_ARRAYS, those that it has, ``cameras`` by camera name."""

    meta: EpisodeMeta
    arrays: dict[str, NDArray[Any]]
    cameras: dict[str, CameraTrack]

    def __len__(self) -> int:
        return self.meta.steps

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.arrays[name]


def achieved_actions(
    tool: NDArray[np.float64], gripper: NDArray[np.float64], last: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Actions that the arm really carried out, in the units of a commanded action.

    Args:
        tool: measured tool poses, (T + 1, 7), or (T, 7) when the pose after the last step is unknown.
        gripper: measured opening at the same instants.
        last: action (7,) to put into the last row when the pose after the last step is unknown.

    Returns:
        float32 (T, 7): change of position (m) and of rotation (fixed-axis rpy, R' = Rz Ry Rx R) from each tick to the
        next, and the opening that the gripper had at the next tick.
    """
    rotations = [matrix_from_quat(quat) for quat in tool[:, 3:]]
    turns = [rpy_from_matrix(after @ before.T) for before, after in itertools.pairwise(rotations)]
    moves = np.hstack([np.diff(tool[:, :3], axis=0), np.reshape(turns, (-1, 3)), gripper[1:, None]]).astype(np.float32)
    return moves if last is None else np.vstack([moves, np.reshape(last, (1, ACTION_DIM))]).astype(np.float32)
