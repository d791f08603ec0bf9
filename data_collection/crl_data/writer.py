"""The one writer: scripted play and the recorder node both fill episodes through it."""

from __future__ import annotations

import datetime
import uuid
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crl_data.codec import encode_jpeg
from crl_data.episode import STEP_ARRAYS, TRUTH_ARRAY, EpisodeMeta, achieved_actions
from crl_data.files import appears_whole, checksum, write_group
from crl_data.schema import CameraSpec, StoreMismatchError
from crl_data.store import Store
from crl_robot.contracts import ACTION_DIM, Action, ArmState, Frame, Observation, Pose
from crl_robot.errors import ContractError, StoreError


class EpisodeWriter:
    """Collects one episode in memory (JPEG frames already encoded) and commits it whole, or discards it.

    Used as a context manager it discards what was not committed, so an exception never leaves half an episode.
    """

    def __init__(
        self,
        store: Store,
        *,
        source: str,
        episode_id: str | None = None,
        seed: tuple[int, ...] = (),
        options: dict[str, Any] | None = None,
    ) -> None:
        self._store = store
        self._created = datetime.datetime.now(datetime.UTC)
        self.id = episode_id or f"{self._created:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
        self._target = store.folder(self.id)
        if self._target.exists():
            raise StoreError(f"{store.path} holds episode '{self.id}' already; committed episodes are never rewritten")
        self._source, self._seed, self._options = source, seed, dict(options or {})
        self._rows: dict[str, list[Any]] = {name: [] for name in (*STEP_ARRAYS, TRUTH_ARRAY)}
        self._tracks = {name: _Track(name, spec) for name, spec in store.spec.cameras.items()}
        self._done = False

    def __enter__(self) -> EpisodeWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def __len__(self) -> int:
        return len(self._rows["stamp_ns"])

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names of the cameras that every step needs."""
        return tuple(self._tracks)

    def add_step(
        self,
        observation: Observation,
        action: Action | ArrayLike,
        executed: Action | ArrayLike | None = None,
        truth: Pose | None = None,
    ) -> None:
        """Add one control tick.

        Args:
            observation: what was known at the tick.
            action: the action asked for, (7,).
            executed: the action that the arm's controller really commanded; the same when None.
            truth: pose of the movable object, in simulation; in every step or in none.

        Raises:
            ContractError: stamps do not increase, or truth comes and goes.
            StoreMismatchError: cameras, sizes or joints are not the store's.
        """
        if self._done:
            raise StoreError(f"episode '{self.id}' is closed; start a new one")
        self._check(observation, truth)
        requested = _values(action)
        arm = observation.arm
        row = {
            "stamp_ns": observation.stamp_ns,
            "action_commanded": requested if executed is None else _values(executed),
            "action_requested": requested,
            "joints": arm.joints.position,
            "joint_velocity": arm.joints.velocity,
            "gripper": arm.joints.gripper,
            "gripper_target": arm.gripper_target,
            "tool_measured": pose_row(arm.measured),
            "tool_target": pose_row(arm.target),
        }
        for name, track in self._tracks.items():
            track.add(observation.frames[name])
        for name, value in row.items():
            self._rows[name].append(value)
        if truth is not None:
            self._rows[TRUTH_ARRAY].append(pose_row(truth))

    def commit(
        self,
        success: bool | None = None,
        note: str = "",
        *,
        final: ArmState | None = None,
        lost: dict[str, int] | None = None,
    ) -> str:
        """Write the episode and make it appear in the store; returns its id.

        Args:
            success: mark of the operator or the task.
            note: free text.
            final: arm state one tick after the last step, from which the last achieved action is measured.
            lost: frames known to be lost during the episode, per camera.

        Raises:
            StoreError: nothing to commit, or the disk refused; the store is then unchanged and the steps are kept, so
                that commit can be tried again.
        """
        if self._done or not len(self):
            state = "is closed already" if self._done else "has no steps"
            raise StoreError(f"episode '{self.id}' {state}; there is nothing to commit")
        arrays = self._arrays(final)
        plain = {f"cameras/{name}/frames" for name, track in self._tracks.items() if track.spec.encoding == "jpeg"}
        meta = EpisodeMeta(
            id=self.id,
            source=self._source,
            steps=len(self),
            created=self._created.isoformat(timespec="seconds"),
            seed=self._seed,
            success=success,
            note=note,
            lost={name: (lost or {}).get(name, 0) for name in self._tracks},
            last_achieved="commanded" if final is None else "measured",
            options=self._options,
            checksums={name: checksum(array) for name, array in arrays.items()},
        )
        with appears_whole(self._store.path, self._target, self.id) as folder:
            write_group(folder, arrays, meta.to_dict(), plain=plain)
        self._done = True
        return self.id

    def discard(self) -> None:
        """Forget the steps of an episode that was not committed; does nothing after a commit."""
        self._done = True
        self._rows = {name: [] for name in self._rows}
        self._tracks = {name: _Track(name, track.spec) for name, track in self._tracks.items()}

    def _check(self, observation: Observation, truth: Pose | None) -> None:
        stamps = self._rows["stamp_ns"]
        if stamps and observation.stamp_ns <= stamps[-1]:
            raise ContractError(f"step stamp {observation.stamp_ns} does not come after the last one, {stamps[-1]}")
        if stamps and (truth is not None) != bool(self._rows[TRUTH_ARRAY]):
            raise ContractError("ground truth is given for some steps only; give it for every step or for none")
        if set(self._tracks) - set(observation.frames):
            raise StoreMismatchError(
                f"store {self._store.path} has cameras {sorted(self._tracks)}, "
                f"the observation has {sorted(observation.frames)}; start the missing cameras"
            )
        names = self._store.spec.joint_names
        if observation.arm.joints.position.shape != (len(names),):
            raise StoreMismatchError(
                f"store {self._store.path} has joints {list(names)}, "
                f"the observation has {observation.arm.joints.position.shape[0]} joints; use the robot of this store"
            )

    def _arrays(self, final: ArmState | None) -> dict[str, NDArray[Any]]:
        rows = {name: values for name, values in self._rows.items() if values}
        arrays = {name: np.array(values, STEP_ARRAYS.get(name, np.float64)) for name, values in rows.items()}
        tool, gripper = arrays["tool_measured"], arrays["gripper"]
        if final is None:
            achieved = achieved_actions(tool, gripper, last=arrays["action_commanded"][-1])
        else:
            achieved = achieved_actions(
                np.vstack([tool, pose_row(final.measured)]), np.append(gripper, final.joints.gripper)
            )
        arrays["action_achieved"] = achieved
        for track in self._tracks.values():
            arrays |= track.arrays()
        return arrays


class _Track:
    """The frames of one camera while an episode grows."""

    def __init__(self, name: str, spec: CameraSpec) -> None:
        self.name, self.spec = name, spec
        self._frames: list[NDArray[np.uint8]] = []
        self._stamps: list[tuple[int, int]] = []

    def add(self, frame: Frame) -> None:
        if frame.image.shape != self.spec.shape:
            raise StoreMismatchError(
                f"frame of camera '{self.name}' has shape {frame.image.shape}, the store holds {self.spec.shape}; "
                "set the camera to that size or record into a new store"
            )
        jpeg = self.spec.encoding == "jpeg"
        self._frames.append(encode_jpeg(frame.image, self.spec.quality) if jpeg else frame.image.copy())
        self._stamps.append((frame.stamp_ns, frame.receive_stamp_ns))

    def arrays(self) -> dict[str, NDArray[Any]]:
        stamps = np.array(self._stamps, dtype=np.int64)  # (T, 2)
        arrays: dict[str, NDArray[Any]] = {"stamp_ns": stamps[:, 0].copy(), "receive_stamp_ns": stamps[:, 1].copy()}
        if self.spec.encoding == "jpeg":
            sizes = [frame.size for frame in self._frames]
            arrays["offsets"] = np.concatenate([[0], np.cumsum(sizes)]).astype(np.uint64)
            arrays["frames"] = np.concatenate(self._frames)
        else:
            arrays["frames"] = np.stack(self._frames)
        return {f"cameras/{self.name}/{name}": array for name, array in arrays.items()}


def pose_row(pose: Pose) -> NDArray[np.float64]:
    """(7,) position in m and quaternion w, x, y, z."""
    return np.concatenate([pose.position, pose.quat_wxyz])


def _values(action: Action | ArrayLike) -> NDArray[np.float32]:
    values = action.values if isinstance(action, Action) else Action(np.asarray(action, np.float32), 0).values
    return values.reshape(ACTION_DIM)
