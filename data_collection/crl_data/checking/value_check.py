"""Can an arm and a clock have produced these values?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.checking.findings import Findings
from crl_data.checking.told_check import check_told
from crl_data.episode import (
    ARM_STREAM,
    ARM_STREAM_ARRAYS,
    STATE_ARRAY,
    STEP_ARRAYS,
    TRUTH_OBJECTS,
    TRUTH_SLIDES,
    EpisodeMeta,
    required_arrays,
)
from crl_data.gaps import gaps
from crl_data.schema import StoreSpec

MAX_MOVE_M = 0.5
"""A tool that moves further in one tick is faster than arms of this size, or the unit is wrong."""
MAX_TURN_RAD = np.pi
GRIPPER_MARGIN = 0.02
"""Measured openings may leave 0..1 by so much: calibration is no better."""
QUAT_TOLERANCE = 1e-3
"""As for every pose that comes from an arm."""

POSES = ("tool_measured", "tool_target", "truth_object", "truth_objects")


def check_values(spec: StoreSpec, meta: EpisodeMeta, arrays: Mapping[str, NDArray[Any]], found: Findings) -> None:
    """Judge the arrays of an episode, frames excepted, by their paths inside the group."""
    shapes = _row_shapes(spec, meta)
    for path, array in arrays.items():
        name = path.removeprefix(f"{ARM_STREAM}/")
        row = shapes.get(name, ())
        if path in STEP_ARRAYS or path.startswith(f"{ARM_STREAM}/"):
            expected = np.dtype(STEP_ARRAYS.get(name, np.int64))
            if array.dtype != expected or array.shape[1:] != row:
                found.damage.append(f"{path} is {array.dtype} (T, {array.shape[1:]}), expected {expected} (T, {row})")
                continue
            _check_array(path, name, array, found)
            if name.startswith("action_"):
                (_check_actions if spec.action.moves_an_arm else _check_controls)(path, array, found)
    _check_steps(spec, meta, arrays, found)
    _check_stream(arrays, found)
    check_told(meta, arrays, found)


def _row_shapes(spec: StoreSpec, meta: EpisodeMeta) -> dict[str, tuple[int, ...]]:
    """Shapes of one row, by name of the array; () where it is not named."""
    actions = {f"action_{kind}": (len(spec.action.names),) for kind in ("commanded", "requested", "achieved")}
    joints = dict.fromkeys(("joints", "joint_velocity"), (len(spec.joint_names),))
    objects, slides = (len(meta.options.get(key, ())) for key in ("objects", "slides"))
    scene = {TRUTH_OBJECTS: (objects, 7), TRUTH_SLIDES: (slides,)}
    return actions | joints | dict.fromkeys(POSES, (7,)) | scene | {STATE_ARRAY: (len(spec.state_names),)}


def _check_array(path: str, name: str, array: NDArray[Any], found: Findings) -> None:
    if not np.isfinite(array).all():
        found.damage.append(f"{path} is not finite everywhere")
        return
    if name in POSES:
        norms = np.linalg.norm(array[..., 3:], axis=-1)
        found.require(
            bool((np.abs(norms - 1) <= QUAT_TOLERANCE).all()), f"{path} has quaternions that are not of norm 1"
        )
    if name.startswith("gripper"):
        _check_openings(path, array, found)


def _check_openings(path: str, openings: NDArray[Any], found: Findings) -> None:
    outside = (openings < -GRIPPER_MARGIN) | (openings > 1 + GRIPPER_MARGIN)
    found.expect(not bool(outside.any()), f"{path} has a gripper opening outside 0..1 in {outside.sum()} steps")


def _check_actions(path: str, actions: NDArray[Any], found: Findings) -> None:
    """Of an arm."""
    _check_openings(path, actions[:, -1], found)
    moves, turns = np.abs(actions[:, :3]).max(initial=0), np.abs(actions[:, 3:6]).max(initial=0)
    found.expect(moves <= MAX_MOVE_M, f"{path} moves by {moves:.2f} m in one tick; are these metres per tick?")
    found.expect(turns <= MAX_TURN_RAD, f"{path} turns by {turns:.2f} rad in one tick; are these rad per tick?")


def _check_controls(path: str, controls: NDArray[Any], found: Findings) -> None:
    """Of a benchmark's environment."""
    largest = np.abs(controls).max(initial=0)
    found.expect(largest <= 1, f"{path} holds {largest:.2f}, expected controls from -1 to 1")


def _check_steps(spec: StoreSpec, meta: EpisodeMeta, arrays: Mapping[str, NDArray[Any]], found: Findings) -> None:
    for name in required_arrays(spec, meta):
        found.require(name in arrays, f"it has no {name}")
    for name, array in arrays.items():
        if name in STEP_ARRAYS:
            found.require(len(array) == meta.steps, f"{name} has {len(array)} rows, expected {meta.steps}")
    stamps = arrays.get("stamp_ns", np.zeros(0, np.int64))
    found.require(not len(stamps) or meta.clock == "measured", "it has stamp_ns although its source had no clock")
    passed = np.diff(stamps)
    found.require(bool((passed > 0).all()), "stamp_ns does not increase")
    before = gaps(stamps, spec.action.period_s * 1e9)
    if len(before):
        longest = before[np.argmax(passed[before])]
        found.warnings.append(
            f"{len(before)} gaps in time, the longest {passed[longest] / 1e9:.2f} s after step {longest}"
        )
    states = arrays.get("state_stamp_ns", np.zeros(0, np.int64))
    found.require(bool((np.diff(states) >= 0).all()), "state_stamp_ns goes back")


def _check_stream(arrays: Mapping[str, NDArray[Any]], found: Findings) -> None:
    stream = {name: arrays[path] for name in ARM_STREAM_ARRAYS if (path := f"{ARM_STREAM}/{name}") in arrays}
    if not stream:
        return
    complete = set(stream) | {"receive_stamp_ns"} == set(ARM_STREAM_ARRAYS)
    found.require(complete, f"{ARM_STREAM} has {', '.join(stream)} only")
    lengths = {name: len(array) for name, array in stream.items()}
    found.require(len(set(lengths.values())) == 1, f"arrays of {ARM_STREAM} have unlike lengths: {lengths}")
    stamps = stream.get("stamp_ns", np.zeros(0, np.int64))
    found.require(bool((np.diff(stamps) > 0).all()), f"{ARM_STREAM}/stamp_ns does not increase")
