"""What a policy told while it acted, as part of an episode: the goals in force, and the progress of each step.

Not in every episode: only runs of a policy have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from crl_data.camera_track import CameraTrack

PROGRESS = "progress"
PROGRESS_VALUES = (
    "steps",
    "steps_low",
    "steps_high",
    "signal",
    "distances",
    "reached",
    "reached_score",
    "reached_rate",
    "improving",
    "patience_s",
    "stage",
    "stages",
    "tick",
    "acting",
    "estimate",
    "late",
    "lateness_ms",
    "age_ms",
    "inference_ms",
)
PROGRESS_ARRAYS: Mapping[str, DTypeLike] = {"stamp_ns": np.int64} | dict.fromkeys(PROGRESS_VALUES, np.float64)
"""Arrays (T,), and ``distances`` (T, D), below PROGRESS; those of which nothing was ever told are left out.

NaN where nothing was told of a step; true is 1, false 0. ``stamp_ns`` is of the frame that was judged, 0 without one.
"""

GOALS = "goals"
GOAL_ARRAYS = ("stamp_ns", "from_step")
"""int64 (G,) below GOALS, in the order in which the goals came into force; their pictures are at `goal_frames`.

``options[GOALS]`` is a list of G mappings with the 'name', the 'stage' or None, and the 'warnings' of each.
"""


@dataclass(frozen=True)
class EpisodeGoal:
    """A goal that was in force during an episode.

    Attributes:
        number: its place among the goals of the episode, from 0.
        name: where it came from: a file, a topic, a recorded frame.
        stage: number of the stage that it was, None where that is not known.
        from_step: the first step that was acted on towards it; as many as the episode has where there was none.
        stamp_ns: when it came into force, on the clock of the steps.
        warnings: what was found when it was checked.
        tracks: by camera, where the pictures of all goals of the episode lie.
    """

    number: int
    name: str
    stage: int | None
    from_step: int
    stamp_ns: int
    warnings: tuple[str, ...] = ()
    tracks: Mapping[str, CameraTrack] = field(default_factory=lambda: MappingProxyType({}))

    def images(self) -> dict[str, NDArray[np.uint8]]:
        """uint8 (H, W, 3) RGB by camera, at native size. Raises StoreError when one is damaged."""
        return {camera: track.frame(self.number) for camera, track in self.tracks.items()}


def goal_frames(camera: str) -> str:
    """Path of the pictures of the goals by one camera, uint8 (G, H, W, 3) RGB, lossless."""
    return f"{GOALS}/cameras/{camera}/frames"


def goals_of_steps(from_step: Sequence[int] | NDArray[np.int64], steps: int) -> NDArray[np.int64]:
    """(T,) the number of the goal that was in force at each step, -1 before the first."""
    return np.searchsorted(np.asarray(from_step, np.int64), np.arange(steps), side="right").astype(np.int64) - 1


def goal_problems(from_step: NDArray[Any], stamp_ns: NDArray[Any], named: Any, steps: int) -> list[str]:
    """What is wrong with the goals of an episode of so many steps; ``named`` is what its options say of them."""
    if not isinstance(named, list) or not all(isinstance(one, dict) and "name" in one for one in named):
        return [f"options.{GOALS} is no list of goals with names"]
    if from_step.shape != (len(named),) or stamp_ns.shape != (len(named),) or not named:
        shapes = f"from_step {from_step.shape} and stamp_ns {stamp_ns.shape}"
        return [f"{GOALS} have {shapes}, options.{GOALS} names {len(named)}"]
    problems = [] if (np.diff(stamp_ns) > 0).all() else [f"{GOALS}/stamp_ns does not increase"]
    ordered = (np.diff(from_step) >= 0).all() and from_step.min() >= 0 and from_step.max() <= steps
    return problems if ordered else [*problems, f"{GOALS}/from_step is not from 0 to {steps} in order"]
