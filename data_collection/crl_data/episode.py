"""One episode in memory, as the writer makes it and the store reads it.

Step t holds the observation at control tick t and the action taken there. Arrays keep the names they have in the store.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from crl_data.camera_track import CameraTrack
from crl_data.schema import StoreSpec
from crl_data.told import GOAL_ARRAYS, GOALS, PROGRESS, PROGRESS_ARRAYS, EpisodeGoal, goal_frames, goals_of_steps
from crl_robot.contracts import ACTION_DIM
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
    "truth_objects": np.float64,
    "truth_slides": np.float64,
    "state": np.float32,
}
"""Arrays of length T that an episode may have; poses are (T, 7) position in m and quaternion w, x, y, z.

Required are ``action_<label>`` for each label that the store declares, ``state`` (T, D) where it declares state names,
and ``stamp_ns`` unless the source had no clock.
"""

STATE_ARRAY = "state"
"""(T, D) vector that an environment gives as its observation, with or without images."""

TRUTH_ARRAY = "truth_object"
"""(T, 7) pose of the movable object, of the main one where there are several; present only in simulation."""

TRUTH_OBJECTS, TRUTH_SLIDES = "truth_objects", "truth_slides"
"""(T, K, 7) poses of all objects and (T, M) m of all drawers of a scene with several; ``options`` has their names."""

ARM_STREAM = "streams/arm"
ARM_STREAM_ARRAYS = ("stamp_ns", "receive_stamp_ns", "joints", "joint_velocity", "gripper", "tool_measured")
"""Every state of the arm at its own rate, (M, ...), below ARM_STREAM; not in every episode.

``receive_stamp_ns`` is left out where the arm's states did not travel; the others go together.
"""

CAMERA_STAMPS = ("stamp_ns", "receive_stamp_ns")
"""Stamps of the source and of the arrival of a camera's frames, (T,); left out where there were none."""

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
class Episode:
    """A whole episode: ``arrays`` by the names of STEP_ARRAYS, those that it has, ``cameras`` by camera name.

    Runs of a policy also have ``progress``, (T, ...) by the names of PROGRESS_ARRAYS, and the ``goals`` in force.
    """

    meta: EpisodeMeta
    arrays: dict[str, NDArray[Any]]
    cameras: dict[str, CameraTrack]
    progress: dict[str, NDArray[Any]] = field(default_factory=dict)
    goals: tuple[EpisodeGoal, ...] = ()

    def __len__(self) -> int:
        return self.meta.steps

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.arrays[name]

    def goal_numbers(self) -> NDArray[np.int64]:
        """(T,) which of the goals was in force at each step, -1 where none was."""
        return goals_of_steps([goal.from_step for goal in self.goals], len(self))


def required_arrays(spec: StoreSpec, meta: EpisodeMeta) -> list[str]:
    """Arrays that an episode of such a store must have, besides the cameras' own."""
    actions = [f"action_{label}" for label in spec.labels]
    clock = ["stamp_ns"] if meta.clock == "measured" else []
    return actions + clock + ([STATE_ARRAY] if spec.state_names else [])


def array_kind(path: str, spec: StoreSpec) -> DTypeLike | None:
    """dtype of an array, by its path inside the group; None when no episode of such a store has it.

    Not for the frames of the steps.
    """
    folder, _, name = path.rpartition("/")
    if folder == ARM_STREAM and name in ARM_STREAM_ARRAYS:
        return STEP_ARRAYS.get(name, np.int64)
    if folder in {f"cameras/{camera}" for camera in spec.cameras} and name in CAMERA_STAMPS:
        return np.int64
    if folder == PROGRESS:
        return PROGRESS_ARRAYS.get(name)
    if folder == GOALS and name in GOAL_ARRAYS:
        return np.int64
    if path in {goal_frames(camera) for camera in spec.cameras}:
        return np.uint8
    return STEP_ARRAYS.get(path)


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
