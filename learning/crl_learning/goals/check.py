"""Does a goal image fit what the policy has learned? Refused, warned about, or fine; with the score and the nearest
training frames."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crl_learning.goals.quality import Quality, quality
from crl_learning.goals.reference import FrameName, Neighbour, Reference
from crl_learning.views import Views
from crl_robot.errors import ContractError, GoalImageError
from crl_robot.goal_image import GoalImage
from crl_robot.image_spec import ImageSpec

WARNED_SCORE = 1.0
REFUSED_SCORE = 2.2
"""A goal that is so many times as far from the training data as their own frames are has nothing to do with them."""
BLURRED_PART = 0.5
"""Of the training frames' sharpness."""


@dataclass(frozen=True)
class Waypoint:
    """A frame of the data that a plan leads over, uint8 (h, w, 3 * cameras) as the network sees it."""

    frame: FrameName
    seen: NDArray[np.uint8]


@dataclass(frozen=True)
class CheckedGoal:
    """A goal and what is known of it.

    Attributes:
        goal: the image and where it came from.
        warnings: everything the user should read, of conversion and of content.
        score: distance to the training data over the usual one; None without a reference.
        nearest: the nearest training frames, nearest first.
        waypoint: what it is where a planner put it there; ``goal`` is for people to look at then.
    """

    goal: GoalImage
    warnings: tuple[str, ...] = ()
    score: float | None = None
    nearest: tuple[Neighbour, ...] = ()
    waypoint: Waypoint | None = None


def check_goal(goal: GoalImage, spec: ImageSpec, reference: Reference | None, refuse: bool = True) -> CheckedGoal:
    """Look at a goal before it is acted on.

    Args:
        spec: what the network sees of it.
        reference: frames of the training data; None where the checkpoint has none.
        refuse: whether a goal far from all training data is refused, or only warned about.

    Raises:
        GoalImageError: it shows nothing, or is too far from the training data.
    """
    seen = spec.apply(goal.image)
    measured = _require_shown(seen, goal.source)
    if reference is None:
        return CheckedGoal(goal, goal.warnings)
    nearest = tuple(reference.nearest(seen))
    score = nearest[0].distance / reference.usual
    notes = list(goal.warnings)
    if score > WARNED_SCORE:
        text = _far(goal.source, score, nearest)
        if refuse and score > REFUSED_SCORE:
            raise GoalImageError(text)
        notes.append(text)
    if measured.sharpness < BLURRED_PART * reference.sharpness:
        notes.append(
            f"the goal image is blurred: sharpness {measured.sharpness:.2f}, the training frames have "
            f"{reference.sharpness:.2f} or more; take it with the camera itself"
        )
    return CheckedGoal(goal, tuple(notes), score, nearest)


def check_views(goal: GoalImage, views: Views, reference: Reference | None, refuse: bool = True) -> CheckedGoal:
    """The same for a goal of several cameras: each must show something; the first is held against the reference.

    Raises:
        GoalImageError: as `check_goal`, and for a picture of another number of cameras.
    """
    pictures = split_goal(goal, views)
    for camera in views.more:
        _require_shown(views.spec.apply(pictures[camera]), f"{goal.source} ({camera})")
    first = replace(goal, image=pictures[views.spec.camera])
    return replace(check_goal(first, views.spec, reference, refuse), goal=goal)


def split_goal(goal: GoalImage, views: Views) -> dict[str, NDArray[np.uint8]]:
    """Its pictures uint8 (H, W, 3) by camera. Raises GoalImageError when it is of another number of cameras."""
    try:
        return views.split(goal.image)
    except ContractError as error:
        raise GoalImageError(f"goal image {goal.source}: {error}") from error


def _require_shown(seen: NDArray[np.uint8], source: str) -> Quality:
    measured = quality(seen)
    if measured.empty:
        raise GoalImageError(f"goal image {source} shows nothing: {measured.empty}; take it in the usual light")
    return measured


def _far(source: str, score: float, nearest: tuple[Neighbour, ...]) -> str:
    frames = ", ".join(f"{one.name.episode}:{one.name.frame} ({one.distance:.0f} grey levels)" for one in nearest)
    return (
        f"goal image {source} is unlike the training data: {score:.1f} times as far from them as their own frames are, "
        f"expected at most {WARNED_SCORE:g}; nearest frames: {frames}; take it with the same camera from the same place"
    )
