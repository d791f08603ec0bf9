"""The one writer of our own recordings: scripted play and the recorder node both fill episodes through it."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crl_data.columns import Columns
from crl_data.episode import ARM_STREAM, STEP_ARRAYS, EpisodeMeta, achieved_actions
from crl_data.episode_file import EpisodeFile
from crl_data.rows import SceneTruth, pose_row, state_row, step_row
from crl_data.schema import StoreMismatchError
from crl_data.store import Store
from crl_data.telling import Aligned, Told, add_told, take_back
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
        self._rows, self._states = self._no_columns(), self._no_columns()
        self._goal_steps: list[int] = []
        self._told = Aligned()

    def __enter__(self) -> EpisodeWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.__exit__(kind, error, trace)

    def __len__(self) -> int:
        return len(self._rows)

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
        truth: Pose | SceneTruth | None = None,
        state: NDArray[np.float32] | None = None,
    ) -> None:
        """Add one control tick.

        Args:
            observation: what was known at the tick.
            action: the action asked for, (7,); None where the arm was moved by hand, in a store of achieved actions.
            executed: the action that the arm's controller really commanded; the same when None.
            truth: pose of the movable object, or of all of a scene, in simulation; in every step or in none.
            state: float32 (D,) the numbers that the store declares, where it declares any.

        Raises:
            ContractError: stamps do not increase, or truth or actions come and go.
            StoreMismatchError: cameras, sizes or joints are not the store's.
            StoreError: the disk refused a frame; the step is not in the episode, the ones before it are.
        """
        self._file.require_open()
        row = step_row(observation, action, executed, truth, state)
        self._check(observation, row)
        self._add_frames(observation)
        try:
            self._rows.append(row)
        except BaseException:
            self._undo_frames(self.cameras)
            raise

    def add_state(self, state: ArmState) -> None:
        """Add one state of the arm at the arm's own rate; one that is not later than the last is left out.

        Raises:
            ContractError: receive stamps come and go.
        """
        if len(self._states) and state.joints.stamp_ns <= self._states.last("stamp_ns"):
            return
        row = state_row(state)
        _require_same_columns(self._states, row, "state")
        self._states.append(row)

    def mark_goal(self) -> int:
        """Mark the newest step as a goal; returns it. Raises StoreError when there is none."""
        if not len(self):
            raise StoreError(f"episode '{self.id}' has no steps yet; mark a goal when it has")
        self._goal_steps.append(len(self) - 1)
        return self._goal_steps[-1]

    def tell(self, told: Told) -> None:
        """Add what a policy told of its run, once the episode has all its steps.

        Raises:
            CrlError: it cannot be read, or the disk refused; `untell`, and the episode can be finished without.
        """
        self._told = add_told(self._file, self._store.spec, told)

    def untell(self) -> None:
        """Take back what was told."""
        self._told = Aligned()
        take_back(self._file)

    @property
    def told(self) -> dict[str, Any]:
        """What was told, as options of the episode."""
        return dict(self._told.options)

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
        self._rows, self._states, self._goal_steps = self._no_columns(), self._no_columns(), []

    def _no_columns(self) -> Columns:
        return Columns(STEP_ARRAYS, self._store.path.resolve().parent)

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
        if len(self) and observation.stamp_ns <= (last := self._rows.last("stamp_ns")):
            raise ContractError(f"step stamp {observation.stamp_ns} does not come after the last one, {last}")
        _require_same_columns(self._rows, row, "step")

    def _add_frames(self, observation: Observation) -> None:
        """Add one frame of each camera, or of none when one is refused."""
        added: list[str] = []
        try:
            for name in self.cameras:
                frame = observation.frames[name]
                self._file.add_frame(name, frame.image, frame.stamp_ns, frame.receive_stamp_ns)
                added.append(name)
        except BaseException:  # a lack of memory too must not leave one camera a frame ahead
            self._undo_frames(added)
            raise

    def _undo_frames(self, cameras: Sequence[str]) -> None:
        for name in cameras:
            self._file.frames(name).undo()

    def _whole(
        self, success: bool | None, note: str, final: ArmState | None, lost: Mapping[str, int] | None
    ) -> tuple[EpisodeMeta, dict[str, NDArray[Any]]]:
        """What `EpisodeFile` needs besides the frames."""
        if not len(self):
            raise StoreError(f"episode '{self.id}' has no steps; there is nothing to commit")
        arrays = self._rows.arrays()
        arrays["action_achieved"], origin = self._achieved(arrays, final)
        arrays |= {f"{ARM_STREAM}/{name}": array for name, array in self._states.arrays().items()} | self._told.arrays
        changes = {"success": success, "note": note, "last_achieved": origin}
        changes |= {"lost": dict.fromkeys(self.cameras, 0) | dict(lost or {}), "goal_steps": tuple(self._goal_steps)}
        changes["options"] = self._meta.options | self.told
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


def _require_same_columns(columns: Columns, row: Mapping[str, Any], kind: str) -> None:
    """Raise ContractError naming what this row has and those before have not, or the other way round."""
    if len(columns) and set(row) != columns.names:
        odd = ", ".join(sorted(set(row) ^ columns.names))
        raise ContractError(f"{odd}: given for some {kind}s only; give it for every {kind} or for none")
