"""The one writer of our own recordings: scripted play and the recorder node both fill episodes through it."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crl_data.episode import ARM_STREAM, ARM_STREAM_ARRAYS, STEP_ARRAYS, TRUTH_ARRAY, EpisodeMeta, achieved_actions
from crl_data.episode_file import EpisodeFile
from crl_data.growing import GrowingArray
from crl_data.schema import StoreMismatchError
from crl_data.store import Store
from crl_robot.contracts import ACTION_DIM, Action, ArmState, Observation, Pose
from crl_robot.errors import ContractError, StoreError


class EpisodeWriter:
    """Collects one episode: frames go to the disk as they come, the rest is kept until it is committed or discarded.

    Used as a context manager it discards what was neither committed nor finished, so an exception never leaves half an
    episode.

    Args:
        source, seed, options, operator, robot_id, calibration: see `EpisodeMeta`.
        episode_id: unique in the store; made up from the time when None.
    """

    def __init__(
        self,
        store: Store,
        *,
        source: str,
        episode_id: str | None = None,
        seed: tuple[int, ...] = (),
        options: Mapping[str, Any] | None = None,
        operator: str = "",
        robot_id: str = "",
        calibration: Mapping[str, Any] | None = None,
    ) -> None:
        created = datetime.datetime.now(datetime.UTC)
        self.id = episode_id or f"{created:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
        self._store = store
        self._file = EpisodeFile(store, self.id)
        self._meta = EpisodeMeta(
            id=self.id,
            source=source,
            created=created.isoformat(timespec="seconds"),
            seed=seed,
            options=dict(options or {}),
            operator=operator,
            robot_id=robot_id,
            calibration=dict(calibration or {}),
        )
        self._rows: dict[str, GrowingArray] = {}
        self._states: dict[str, GrowingArray] = {}
        self._goal_steps: list[int] = []

    def __enter__(self) -> EpisodeWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.__exit__(kind, error, trace)

    def __len__(self) -> int:
        return len(self._rows["stamp_ns"]) if self._rows else 0

    @property
    def size(self) -> int:
        """Bytes of all frames so far."""
        return self._file.size

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names of the cameras that every step needs."""
        return tuple(self._store.spec.cameras)

    def add_step(
        self,
        observation: Observation,
        action: Action | ArrayLike | None,
        executed: Action | ArrayLike | None = None,
        truth: Pose | None = None,
    ) -> None:
        """Add one control tick.

        Args:
            observation: what was known at the tick.
            action: the action asked for, (7,); None where the arm was moved by hand, in a store of achieved actions.
            executed: the action that the arm's controller really commanded; the same when None.
            truth: pose of the movable object, in simulation; in every step or in none.

        Raises:
            ContractError: stamps do not increase, or truth or actions come and go.
            StoreMismatchError: cameras, sizes or joints are not the store's.
            StoreError: the disk refused a frame; the step is not in the episode, the ones before it are.
        """
        self._file.require_open()
        row = _state_row(observation.arm) | {"stamp_ns": observation.stamp_ns}
        if action is not None:
            requested = _values(action)
            row |= {"action_requested": requested}
            row |= {"action_commanded": requested if executed is None else _values(executed)}
        if truth is not None:
            row[TRUTH_ARRAY] = pose_row(truth)
        self._check(observation, row)
        self._add_frames(observation)
        for name, value in row.items():
            rows = self._rows.setdefault(name, self._growing(STEP_ARRAYS[name], value))
            rows.append(value)

    def add_state(self, state: ArmState) -> None:
        """Add one state of the arm at the arm's own rate; one that is not later than the last is left out."""
        joints = state.joints
        if self._states and joints.stamp_ns <= self._states["stamp_ns"].last():
            return
        received = joints.stamp_ns if joints.receive_stamp_ns is None else joints.receive_stamp_ns
        values = (joints.stamp_ns, received, joints.position, joints.velocity, joints.gripper, pose_row(state.measured))
        for name, value in zip(ARM_STREAM_ARRAYS, values, strict=True):
            rows = self._states.setdefault(name, self._growing(STEP_ARRAYS.get(name, np.int64), value))
            rows.append(value)

    def mark_goal(self) -> int:
        """Mark the newest step as a goal; returns it. Raises StoreError when there is none."""
        if not len(self):
            raise StoreError(f"episode '{self.id}' has no steps yet; mark a goal when it has")
        self._goal_steps.append(len(self) - 1)
        return self._goal_steps[-1]

    def commit(
        self,
        success: bool | None = None,
        note: str = "",
        *,
        final: ArmState | None = None,
        lost: Mapping[str, int] | None = None,
    ) -> str:
        """Let the episode appear in the store; returns its id.

        Args:
            success: mark of the operator or the task.
            note: free text.
            final: arm state one tick after the last step, from which the last achieved action is measured.
            lost: what is known to be lost: frames by camera, 'arm' states, 'steps', 'actions'.

        Raises:
            StoreError: nothing to commit, or the disk refused; the store is then unchanged and the steps are kept, so
                that commit can be tried again.
        """
        return self._file.commit(*self._whole(success, note, final, lost))

    def finish(
        self,
        success: bool | None = None,
        note: str = "",
        *,
        final: ArmState | None = None,
        lost: Mapping[str, int] | None = None,
    ) -> Path:
        """As commit, but the episode waits beside the store to be accepted or discarded; returns its folder."""
        return self._file.finish(*self._whole(success, note, final, lost))

    def accept(self, **changes: Any) -> str:
        """Let the finished episode appear in the store, with changed success, note, ...; returns its id."""
        return self._file.accept(**changes)

    def discard(self) -> None:
        """Forget an episode that is not in the store; does nothing after a commit."""
        self._file.discard()
        self._rows, self._states, self._goal_steps = {}, {}, []

    def _growing(self, kind: type, value: Any) -> GrowingArray:
        return GrowingArray(kind, np.shape(value), self._store.path.resolve().parent)

    def _check(self, observation: Observation, row: Mapping[str, Any]) -> None:
        spec = self._store.spec
        if set(spec.cameras) - set(observation.frames):
            raise StoreMismatchError(
                f"store {self._store.path} has cameras {sorted(spec.cameras)}, "
                f"the observation has {sorted(observation.frames)}; start the missing cameras"
            )
        count = observation.arm.joints.position.shape[0]
        if count != len(spec.joint_names):
            raise StoreMismatchError(
                f"store {self._store.path} has joints {list(spec.joint_names)}, "
                f"the observation has {count} joints; use the robot of this store"
            )
        if "commanded" in spec.labels and "action_commanded" not in row:
            raise ContractError(f"store {self._store.path} holds commanded actions, the step has none; give the action")
        if len(self) and observation.stamp_ns <= self._rows["stamp_ns"].last():
            last = self._rows["stamp_ns"].last()
            raise ContractError(f"step stamp {observation.stamp_ns} does not come after the last one, {last}")
        if self._rows and set(row) != set(self._rows):
            odd = ", ".join(sorted(set(row) ^ set(self._rows)))
            raise ContractError(f"{odd}: given for some steps only; give it for every step or for none")

    def _add_frames(self, observation: Observation) -> None:
        """Add one frame of each camera, or of none when one is refused."""
        added: list[str] = []
        try:
            for name in self.cameras:
                frame = observation.frames[name]
                self._file.add_frame(name, frame.image, frame.stamp_ns, frame.receive_stamp_ns)
                added.append(name)
        except BaseException:  # a lack of memory too must not leave one camera a frame ahead
            for name in added:
                self._file.frames(name).undo()
            raise

    def _whole(
        self, success: bool | None, note: str, final: ArmState | None, lost: Mapping[str, int] | None
    ) -> tuple[EpisodeMeta, dict[str, NDArray[Any]]]:
        """What `EpisodeFile` needs besides the frames."""
        if not len(self):
            raise StoreError(f"episode '{self.id}' has no steps; there is nothing to commit")
        arrays = {name: rows.array() for name, rows in self._rows.items()}
        arrays["action_achieved"], origin = self._achieved(arrays, final)
        arrays |= {f"{ARM_STREAM}/{name}": rows.array() for name, rows in self._states.items()}
        changes = {"success": success, "note": note, "last_achieved": origin}
        changes |= {"lost": dict.fromkeys(self.cameras, 0) | dict(lost or {}), "goal_steps": tuple(self._goal_steps)}
        return EpisodeMeta(**{**vars(self._meta), **changes}), arrays

    def _achieved(self, arrays: Mapping[str, NDArray[Any]], final: ArmState | None) -> tuple[NDArray[np.float32], str]:
        """Achieved actions (T, 7), and where the last of them comes from."""
        tool, gripper = arrays["tool_measured"], arrays["gripper"]
        if final is not None:
            poses = np.vstack([tool, pose_row(final.measured)])
            return achieved_actions(poses, np.append(gripper, final.joints.gripper)), "measured"
        if "action_commanded" in arrays:
            return achieved_actions(tool, gripper, last=arrays["action_commanded"][-1]), "commanded"
        still = np.append(np.zeros(ACTION_DIM - 1), gripper[-1]).astype(np.float32)
        return achieved_actions(tool, gripper, last=still), "still"


def pose_row(pose: Pose) -> NDArray[np.float64]:
    """(7,) position in m and quaternion w, x, y, z."""
    return np.concatenate([pose.position, pose.quat_wxyz])


def _state_row(arm: ArmState) -> dict[str, Any]:
    received = {} if arm.joints.receive_stamp_ns is None else {"state_receive_stamp_ns": arm.joints.receive_stamp_ns}
    return received | {
        "state_stamp_ns": arm.joints.stamp_ns,
        "joints": arm.joints.position,
        "joint_velocity": arm.joints.velocity,
        "gripper": arm.joints.gripper,
        "gripper_target": arm.gripper_target,
        "tool_measured": pose_row(arm.measured),
        "tool_target": pose_row(arm.target),
    }


def _values(action: Action | ArrayLike) -> NDArray[np.float32]:
    values = action.values if isinstance(action, Action) else Action(np.asarray(action, np.float32), 0).values
    return values.reshape(ACTION_DIM)
