"""The independent judge of a fault campaign: what a goal register may hold, and what may be published as joints.

It looks at the emulated arm's own log and at `known_arm` alone; driver, controller and the node's limits are not asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crl_robot.bench.device_log import DeviceLog
from crl_robot.bench.known_arm import (
    ALL_IDS,
    BOX_HIGH,
    BOX_LOW,
    JOINT_SPEED,
    LEASH_M,
    LONGEST_TICK_S,
    TICK_LIMITS,
    tool_position,
)

Array = NDArray[np.float64]
_TICK_RAD = 2 * np.pi / 4096
_HOLD_TICKS = 30
"""A hold aims at where the arm was when it was read, some ms ago."""
_LARGEST_JUMP = JOINT_SPEED * LONGEST_TICK_S / _TICK_RAD + 2
_SLACK_M = 0.01
"""Goals run straight in joint space between targets that are inside the bounds."""
_MATCH_RAD = 0.75 * _TICK_RAD
_MATCH_OPENING = 0.004


@dataclass(frozen=True)
class Finding:
    """Something that must not happen: 'limit', 'jump', 'box', 'lead' or 'invented', when (monotonic s), and how far."""

    kind: str
    at_s: float
    text: str


@dataclass(frozen=True)
class Box:
    """Where goals may bring the tool, m in the base frame."""

    low: Sequence[float] = BOX_LOW
    high: Sequence[float] = BOX_HIGH


DEFAULT_BOX = Box()


@dataclass(frozen=True)
class Published:
    """A joint state as it was heard: joints (6,) rad, gripper opening, and between when and when it was measured."""

    joints: tuple[float, ...]
    opening: float
    from_s: float
    to_s: float


def judge_goals(log: DeviceLog, box: Box | None) -> list[Finding]:
    """Everything about the goals of a log that must not be; a move home may leave the ``box``: then it is None."""
    boxed = _box(log, box) if box is not None else ()
    return [*_limits(log), *_jumps(log), *_lead(log), *boxed]


def judge_published(log: DeviceLog, published: Iterable[Published]) -> list[Finding]:
    """The joint states that the arm had at no moment at which they may have been measured."""
    return [finding for reading in published if (finding := _invented(log, reading)) is not None]


def _limits(log: DeviceLog) -> Iterable[Finding]:
    low, high = np.array([TICK_LIMITS[i] for i in ALL_IDS]).T
    for row, column in np.argwhere((log.goals < low) | (log.goals > high)).tolist():
        text = f"goal of ID {ALL_IDS[column]} is {log.goals[row, column]:.0f}, allowed {low[column]} .. {high[column]}"
        yield Finding("limit", float(log.goal_s[row]), text)


def _jumps(log: DeviceLog) -> Iterable[Finding]:
    """Goals further from the one before than a joint may turn in a tick, or away from a joint that gets its torque.

    A goal near where the joint stands is none: it says, stay. Nor is that of a servo without torque.
    """
    jump = np.abs(np.diff(log.goals, axis=0))
    away = np.abs(log.goals - log.present)[1:]
    sudden = (jump > _LARGEST_JUMP) | ~log.torque[:-1]
    found = log.torque[1:] & sudden & (away > _HOLD_TICKS)
    for row, column in np.argwhere(found[:, : len(ALL_IDS) - 1]).tolist():  # the gripper may jump
        text = f"goal of ID {ALL_IDS[column]} jumps by {jump[row, column]:.0f} ticks, {away[row, column]:.0f} away"
        yield Finding("jump", float(log.goal_s[row + 1]), text)


def _box(log: DeviceLog, box: Box) -> Iterable[Finding]:
    """Goals outside the box and further out than the arm stands."""
    outside = [_outside(tool_position(joints), box) for joints in (log.driven_joints, log.present_joints)]
    for row in np.flatnonzero((outside[0] > _SLACK_M) & (outside[0] > outside[1] + 2e-3)).tolist():
        yield Finding("box", float(log.goal_s[row]), f"tool would go {1e3 * outside[0][row]:.0f} mm out of the box")


def _outside(points: Array, box: Box) -> Array:
    """(N, 3) m -> (N,) how far outside."""
    return np.linalg.norm(points - np.clip(points, box.low, box.high), axis=1)


def _lead(log: DeviceLog) -> Iterable[Finding]:
    """Goals further ahead of the arm than the leash."""
    ahead = np.linalg.norm(tool_position(log.driven_joints) - tool_position(log.present_joints), axis=1)
    for row in np.flatnonzero(ahead > LEASH_M + _SLACK_M).tolist():
        yield Finding("lead", float(log.goal_s[row]), f"goal leads the arm by {1e3 * ahead[row]:.0f} mm")


def _invented(log: DeviceLog, reading: Published) -> Finding | None:
    """A finding unless the arm was at one moment of the reading's time where it says."""
    ends = np.append(log.truth_s[1:], np.inf)
    rows = log.truth[(log.truth_s <= reading.to_s) & (ends >= reading.from_s)]
    if not len(rows):
        return Finding("invented", reading.to_s, "a joint state of a time at which the arm was not there")
    off = np.abs(rows[:, :6] - reading.joints).max(axis=1)
    fits = (off <= _MATCH_RAD) & (np.abs(_opening(rows[:, 6]) - reading.opening) <= _MATCH_OPENING)
    if fits.any():
        return None
    return Finding("invented", reading.to_s, f"published joints are {off.min():.4f} rad from any that the arm had")


def _opening(crank: Array) -> Array:
    """Crank angle in rad -> opening 0..1, by the vendor's linkage of 14 mm and 24 mm."""
    angle = np.clip(crank, -np.pi / 2, np.pi / 2)
    finger = 0.014 * np.sin(angle) + np.sqrt(0.024**2 - (0.014 * np.cos(angle)) ** 2)
    return np.clip((finger - 0.015) / 0.022, 0.0, 1.0)
