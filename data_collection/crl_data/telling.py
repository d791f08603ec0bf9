"""What a policy told of its run, brought to the steps that were recorded of it.

A step belongs to the newest tick of a frame that is not newer than the step's own; most often both are of one frame. Of
several ticks of one frame it is the first whose action was sent: a result that came too late is no step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.episode_file import EpisodeFile
from crl_data.schema import StoreSpec
from crl_data.told import GOALS, PROGRESS
from crl_data.told_ticks import ToldTicks

HELD_PERIODS = 2.0
"""So long after a tick it still tells of a step: the policy may miss a tick, but not be silent meanwhile."""

Picture = Callable[[], NDArray[np.uint8]]


@dataclass(frozen=True)
class ToldGoal:
    """A goal of a run.

    Attributes:
        name: where it came from.
        stamp_ns: when it came into force.
        stage: number of the stage that it was, if known.
        warnings: what was found when it was checked.
        pictures: by camera, reads uint8 (H, W, 3) RGB of the camera's native size; raises CrlError.
    """

    name: str
    stamp_ns: int
    stage: int | None
    warnings: Sequence[str]
    pictures: Mapping[str, Picture]


@dataclass(frozen=True)
class Told:
    """All that a policy told of a run.

    Attributes:
        camera: whose frames' stamps the ticks carry.
        goals: kept in the order in which they came into force.
        ticks: the control ticks, from the first.
    """

    camera: str
    goals: Sequence[ToldGoal]
    ticks: ToldTicks

    def __post_init__(self) -> None:
        object.__setattr__(self, "goals", tuple(sorted(self.goals, key=lambda goal: goal.stamp_ns)))


@dataclass(frozen=True)
class Aligned:
    """What an episode gets of it: arrays by their paths in the group, and options."""

    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)


def add_told(file: EpisodeFile, spec: StoreSpec, told: Told) -> Aligned:
    """Add the pictures of the goals to an episode that has all its frames, and tell what else belongs into it.

    Pictures of a camera that does not show every goal are left out.

    Raises:
        CrlError: something cannot be read, a picture is of another size, or the disk refused; `take_back` then.
    """
    spec.require_cameras()
    judged = told.camera if told.camera in spec.cameras else next(iter(spec.cameras))
    aligned = align(told, file.frames(judged).stamp_ns, spec.action.period_s)
    for camera in spec.cameras:
        if all(camera in goal.pictures for goal in told.goals):
            for goal in told.goals:
                file.goals(camera).add(goal.pictures[camera](), None, None)
    return aligned


def take_back(file: EpisodeFile) -> None:
    """Leave out again what was told."""
    for folder in (GOALS, PROGRESS):
        file.forget(folder)


def align(told: Told, frame_ns: NDArray[np.int64], period_s: float) -> Aligned:
    """Progress and goals of each step.

    Args:
        frame_ns: (T,) stamps of the frames of ``told.camera``.
        period_s: of control.

    Raises:
        StoreError: the disk does not give back the ticks.
    """
    progress, towards_ns = _progress(told.ticks, _ticks_of_steps(told.ticks, frame_ns, period_s))
    goals = told.goals
    if not goals:
        return Aligned(progress, {})
    goal_ns = np.array([goal.stamp_ns for goal in goals], np.int64)
    number = _goal_numbers(goal_ns, towards_ns, frame_ns)
    from_step = np.searchsorted(number, np.arange(len(goals)), side="left").astype(np.int64)
    named = [{"name": goal.name, "stage": goal.stage, "warnings": list(goal.warnings)} for goal in goals]
    return Aligned(progress | {f"{GOALS}/stamp_ns": goal_ns, f"{GOALS}/from_step": from_step}, {GOALS: named})


def _ticks_of_steps(ticks: ToldTicks, frame_ns: NDArray[np.int64], period_s: float) -> NDArray[np.int64]:
    """(T,) how many ticks came before the one of each step, -1 where there is none."""
    if not len(ticks):
        return np.full(len(frame_ns), -1, np.int64)
    stamps, idle = ticks.stamps_ns()[:, 0], ticks.numbers()["acting"] != 1
    order = np.lexsort((idle, stamps))
    known, first = np.unique(stamps[order], return_index=True)
    at = np.searchsorted(known, frame_ns, side="right") - 1
    newest = known[np.maximum(at, 0)]
    fresh = (at >= 0) & (newest > 0) & (frame_ns - newest <= HELD_PERIODS * period_s * 1e9)
    return np.where(fresh, order[first[np.maximum(at, 0)]], -1)


def _progress(ticks: ToldTicks, chosen: NDArray[np.int64]) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64]]:
    """Arrays of the steps from the ticks that are theirs, and (T,) the stamp of the goal of each, 0 where not known."""
    told = chosen >= 0
    stamps_ns = np.zeros((len(chosen), 2), np.int64)
    stamps_ns[told] = ticks.stamps_ns()[chosen[told]]
    known: dict[str, NDArray[Any]] = {}
    for name, values in ticks.numbers().items():
        column = np.full((len(chosen), *values.shape[1:]), np.nan)
        column[told] = values[chosen[told]]
        if not np.isnan(column).all():
            known[f"{PROGRESS}/{name}"] = column
    stamp_ns, towards_ns = np.ascontiguousarray(stamps_ns.T)
    return ({f"{PROGRESS}/stamp_ns": stamp_ns} | known if known else {}), towards_ns


def _goal_numbers(
    goal_ns: NDArray[np.int64], towards_ns: NDArray[np.int64], frame_ns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """(T,) which goal each step was acted on towards, -1 before the first: by its tick, or else by the time."""
    told = np.minimum(np.searchsorted(goal_ns, towards_ns), len(goal_ns) - 1)
    by_time = np.searchsorted(goal_ns, frame_ns, side="right") - 1
    number = np.where(goal_ns[told] == towards_ns, told, by_time)
    return np.maximum.accumulate(number) if len(number) else number
