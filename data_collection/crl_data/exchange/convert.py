"""Turns the columns of a source episode into the arrays of our store, as a mapping says. Pure functions, no files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from crl_data.episode import achieved_actions
from crl_data.exchange.errors import MappingError, SourceError
from crl_data.exchange.mapping import ActionColumns, GripperColumn, PoseColumns, SourceMapping
from crl_data.exchange.values import Table, take_values
from crl_robot.contracts import ACTION_DIM
from crl_robot.geometry import GRIPPER_DOWN, matrix_from_quat, matrix_from_rpy, quat_from_matrix, rpy_from_matrix

GRIPPER_SLACK = 0.25
"""How far beyond open and closed a measured gripper may be; grippers overshoot, other units are further off."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Converted:
    """What becomes of a source episode.

    Attributes:
        arrays: by their names in the store, (T, ...) for the steps that are kept.
        first: first row of the source that is kept; T rows follow it.
        last_achieved: as in EpisodeMeta.
        clipped: gripper values that were moved to 0 or 1.
    """

    arrays: dict[str, NDArray[Any]]
    first: int
    last_achieved: str
    clipped: int

    @property
    def steps(self) -> int:
        return len(next(iter(self.arrays.values())))


def convert(mapping: SourceMapping, table: Table, rows: int, actions: int) -> Converted:
    """One episode of ``rows`` observations, of which the first ``actions`` have an action (``rows`` or one fewer).

    An observation after the last action, a target before the first (absolute targets), or the last of a motion (tool)
    only serves to compute the others and is not kept as a step.

    Raises:
        MappingError: the mapping does not fit the columns.
        SourceError: what the columns hold cannot be actions or poses.
    """
    action = mapping.action
    if action is None:
        raise MappingError(f"the mapping does not say where actions come from; {table.describe()}")
    first = 1 if action.kind == "absolute" and mapping.reference == "previous_target" else 0
    stop = rows - 1 if action.kind == "tool" else actions
    if stop <= first:
        raise SourceError(f"it has {rows} observations and {actions} actions, too few for a step")
    arrays, clipped = _state_arrays(mapping, table, rows), 0
    last_achieved = "measured" if mapping.labels == "achieved" else "commanded"
    if action.kind != "tool":
        arrays[f"action_{mapping.labels}"], clipped = _actions(action, mapping, table, actions, arrays)
    if "action_achieved" not in arrays and "achieved" in mapping.stored_labels:
        tool, gripper = arrays["tool_measured"][: stop + 1], arrays["gripper"][: stop + 1]
        last = None if len(tool) > stop else arrays["action_commanded"][-1]
        arrays["action_achieved"] = achieved_actions(tool, gripper, last)
        last_achieved = "measured" if last is None else "commanded"
    return Converted({name: array[first:stop] for name, array in arrays.items()}, first, last_achieved, clipped)


def rotations(pose: PoseColumns, table: Table, steps: int, key: str) -> Array:
    """(T, 3, 3) rotations, without ``pose.zero``. Raises MappingError or SourceError."""
    values = take_values(pose.rotation, table, steps, pose.rotation_width, f"{key}.rotation")
    if pose.rotation_as == "rpy":
        return np.array([matrix_from_rpy(row) for row in values])
    if pose.rotation_as == "rotvec":
        return np.array([cv2.Rodrigues(row)[0] for row in values])
    quats = np.roll(values, 1, axis=1) if pose.rotation_as == "quat_xyzw" else values
    norms = np.linalg.norm(quats, axis=1, keepdims=True)
    if not np.allclose(norms, 1.0, atol=1e-2):
        raise SourceError(f"{key}.rotation is no unit quaternion: norms from {norms.min():.3f} to {norms.max():.3f}")
    return np.array([matrix_from_quat(row) for row in quats / norms])


def poses(pose: PoseColumns, table: Table, steps: int, key: str) -> Array:
    """(T, 7) position in m and quaternion w, x, y, z. Raises MappingError or SourceError."""
    zero = GRIPPER_DOWN if pose.zero == "gripper_down" else np.eye(3)
    quats = np.array([quat_from_matrix(rotation @ zero) for rotation in rotations(pose, table, steps, key)])
    return np.hstack([take_values(pose.position, table, steps, 3, f"{key}.position"), quats])


def openings(gripper: GripperColumn, table: Table, steps: int, key: str) -> tuple[Array, int]:
    """(T,) opening, 0 closed to 1 open, and how many values were moved into that range.

    Raises:
        SourceError: values far beyond the two ends, so that they cannot be the ends.
    """
    values = take_values(gripper.value, table, steps, 1, f"{key}.value")[:, 0]
    opening = (values - gripper.closed) / (gripper.open - gripper.closed)
    if opening.min() < -GRIPPER_SLACK or opening.max() > 1 + GRIPPER_SLACK:
        raise SourceError(
            f"{key} runs from {values.min():.4g} to {values.max():.4g}, but the mapping says open={gripper.open} "
            f"closed={gripper.closed}; give the source's own two ends"
        )
    inside = np.clip(opening, 0.0, 1.0)
    return inside, int(np.count_nonzero(inside != opening))


def target_deltas(targets: Array, starts: Array) -> Array:
    """Change from (T, 7) poses ``starts`` to (T, 7) poses ``targets``: (T, 6) in m and fixed-axis rpy."""
    turns = [
        rpy_from_matrix(matrix_from_quat(target) @ matrix_from_quat(start).T)
        for target, start in zip(targets[:, 3:], starts[:, 3:], strict=True)
    ]
    return np.hstack([targets[:, :3] - starts[:, :3], np.reshape(turns, (-1, 3))])


def _state_arrays(mapping: SourceMapping, table: Table, rows: int) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    if mapping.tool:
        arrays["tool_measured"] = poses(mapping.tool, table, rows, "tool")
    if mapping.target:
        arrays["tool_target"] = poses(mapping.target, table, rows, "target")
    if mapping.gripper:
        arrays["gripper"] = openings(mapping.gripper, table, rows, "gripper")[0]
    if mapping.joints:
        width = len(mapping.joints.names)
        arrays["joints"] = take_values(mapping.joints.position, table, rows, width, "joints.position")
        if mapping.joints.velocity:
            arrays["joint_velocity"] = take_values(mapping.joints.velocity, table, rows, width, "joints.velocity")
    return arrays


def _actions(
    action: ActionColumns, mapping: SourceMapping, table: Table, count: int, arrays: dict[str, NDArray[Any]]
) -> tuple[NDArray[np.float32], int]:
    """(count, 7) actions; of absolute targets also adds what was aimed at before each step, as ``tool_target``."""
    if action.pose is None or action.gripper is None:
        raise MappingError(f"actions of kind '{action.kind}' need position, rotation and gripper")
    opening, clipped = openings(action.gripper, table, count, "action.gripper")
    if action.kind == "delta":
        moves = _deltas(action.pose, table, count)
    else:
        targets = poses(action.pose, table, count, "action")
        starts = np.vstack([targets[:1], targets[:-1]])
        if mapping.reference == "measured":
            starts = arrays["tool_measured"][:count]
        elif not mapping.target:
            arrays["tool_target"] = starts
        moves = target_deltas(targets, starts)
    return np.hstack([moves, opening[:, None]]).astype(np.float32).reshape(-1, ACTION_DIM), clipped


def _deltas(pose: PoseColumns, table: Table, count: int) -> Array:
    """(count, 6) change of position in m and fixed-axis rpy; the latter untouched where the source has it."""
    if pose.rotation_as == "rpy":
        turns = take_values(pose.rotation, table, count, 3, "action.rotation")
    else:
        turns = np.array([rpy_from_matrix(rotation) for rotation in rotations(pose, table, count, "action")])
    return np.hstack([take_values(pose.position, table, count, 3, "action.position"), turns])
