"""What is known at a tick, or of the arm between ticks, as a row of an episode's arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crl_data.episode import STATE_ARRAY, TRUTH_ARRAY, TRUTH_OBJECTS, TRUTH_SLIDES
from crl_robot.contracts import ACTION_DIM, Action, ArmState, Observation, Pose


@dataclass(frozen=True)
class SceneTruth:
    """True poses of all K objects of a scene, the main one first, and positions (M,) m of its drawers."""

    objects: tuple[Pose, ...]
    slides: tuple[float, ...]


def step_row(
    observation: Observation,
    action: Action | ArrayLike | None,
    executed: Action | ArrayLike | None = None,
    truth: Pose | SceneTruth | None = None,
    state: NDArray[np.float32] | None = None,
) -> dict[str, Any]:
    """One control tick, by the names of `STEP_ARRAYS`; see `EpisodeWriter.add_step`. What is not known is left out."""
    arm = observation.arm
    row: dict[str, Any] = {
        "stamp_ns": observation.stamp_ns,
        "state_stamp_ns": arm.joints.stamp_ns,
        "state_receive_stamp_ns": arm.joints.receive_stamp_ns,
        "joints": arm.joints.position,
        "joint_velocity": arm.joints.velocity,
        "gripper": arm.joints.gripper,
        "gripper_target": arm.gripper_target,
        "tool_measured": pose_row(arm.measured),
        "tool_target": pose_row(arm.target),
        STATE_ARRAY: state,
    } | _truth_row(truth)
    if action is not None:
        requested = _values(action)
        row |= {"action_requested": requested}
        row |= {"action_commanded": requested if executed is None else _values(executed)}
    return _known(row)


def state_row(state: ArmState) -> dict[str, Any]:
    """One state of the arm at its own rate, by the names of `ARM_STREAM_ARRAYS`."""
    joints = state.joints
    row = {
        "stamp_ns": joints.stamp_ns,
        "receive_stamp_ns": joints.receive_stamp_ns,
        "joints": joints.position,
        "joint_velocity": joints.velocity,
        "gripper": joints.gripper,
        "tool_measured": pose_row(state.measured),
    }
    return _known(row)


def pose_row(pose: Pose) -> NDArray[np.float64]:
    """(7,) position in m and quaternion w, x, y, z."""
    return np.concatenate([pose.position, pose.quat_wxyz])


def _truth_row(truth: Pose | SceneTruth | None) -> dict[str, Any]:
    if isinstance(truth, SceneTruth):
        poses = np.array([pose_row(pose) for pose in truth.objects])
        return {TRUTH_ARRAY: poses[0], TRUTH_OBJECTS: poses, TRUTH_SLIDES: np.array(truth.slides)}
    return {} if truth is None else {TRUTH_ARRAY: pose_row(truth)}


def _known(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def _values(action: Action | ArrayLike) -> NDArray[np.float32]:
    values = action.values if isinstance(action, Action) else Action(np.asarray(action, np.float32), 0).values
    return values.reshape(ACTION_DIM)
