"""One episode in memory, as the writer makes it and the store reads it.

Step t holds the observation at control tick t and the action taken there. Arrays keep the names they have in the store.
"""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.codec import decode_jpeg
from crl_data.schema import CameraSpec
from crl_robot.contracts import ACTION_DIM
from crl_robot.geometry import matrix_from_quat, rpy_from_matrix

STEP_ARRAYS = {
    "stamp_ns": np.int64,
    "action_commanded": np.float32,
    "action_requested": np.float32,
    "action_achieved": np.float32,
    "joints": np.float64,
    "joint_velocity": np.float64,
    "gripper": np.float64,
    "gripper_target": np.float64,
    "tool_measured": np.float64,
    "tool_target": np.float64,
}
"""Arrays that every episode has, all of length T; poses are (T, 7) position in m and quaternion w, x, y, z."""

TRUTH_ARRAY = "truth_object"
"""(T, 7) pose of the movable object, present only in simulation."""


@dataclass(frozen=True)
class EpisodeMeta:
    """What is known of an episode besides its arrays; kept as attributes of its group.

    Attributes:
        id: name of its group, unique in the store.
        source: 'play', 'recorder' or the name of an oracle task.
        steps: number of steps T.
        seed: entropy of its random generator, empty when nothing was random.
        success: operator's or task's mark, None when nobody judged it.
        created: UTC time in ISO 8601.
        lost: frames known to be lost while recording, per camera.
        last_achieved: where the last row of action_achieved comes from: 'measured' when the arm was read once more
            after the last step, else 'commanded'.
        options: anything else the source declares (task, noise, ...).
        checksums: SHA-256 of each array's bytes in C order, by its path inside the group.
    """

    id: str
    source: str
    steps: int
    created: str
    seed: tuple[int, ...] = ()
    success: bool | None = None
    note: str = ""
    lost: dict[str, int] = field(default_factory=dict)
    last_achieved: str = "commanded"
    options: dict[str, Any] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"seed": list(self.seed)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> EpisodeMeta:
        fields: dict[str, Any] = {**data, "seed": tuple(data["seed"])}
        return cls(**fields)


@dataclass(frozen=True)
class CameraTrack:
    """The frames of one camera, still encoded.

    Attributes:
        spec: size and encoding.
        frames: uint8 (B,) concatenated JPEG files, or uint8 (T, H, W, 3) when lossless.
        offsets: uint64 (T + 1,) where JPEG t is ``frames[offsets[t]:offsets[t + 1]]``; empty when lossless.
        stamp_ns: int64 (T,) stamps of the source.
        receive_stamp_ns: int64 (T,) stamps of arrival.
    """

    spec: CameraSpec
    frames: NDArray[np.uint8]
    offsets: NDArray[np.uint64]
    stamp_ns: NDArray[np.int64]
    receive_stamp_ns: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.stamp_ns)

    def frame(self, step: int) -> NDArray[np.uint8]:
        """uint8 (H, W, 3) RGB of one step."""
        if self.spec.encoding == "lossless":
            return self.frames[step]
        return decode_jpeg(self.frames[int(self.offsets[step]) : int(self.offsets[step + 1])], self.spec.shape)


@dataclass(frozen=True)
class Episode:
    """A whole episode: ``arrays`` by the names of STEP_ARRAYS (and TRUTH_ARRAY), ``cameras`` by camera name."""

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
