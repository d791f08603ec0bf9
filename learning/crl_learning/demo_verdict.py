"""Judges a demo run: by the simulation's distance where it is known, else by the critic, which is believed only when
the camera confirms it.

A critic that has learned nothing says nearly 0 everywhere, which is what it says at the goal. So its word counts only
where the picture has come nearer to the goal image, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

HELD_SAMPLES = 3
HELD_TICKS = 5
ESTIMATE_AT_GOAL = -0.5
"""Critic's estimate, in nats below its value at the goal itself, from which a state counts as the goal."""
STILL_STEP_M = 0.01
"""A policy at its goal commands steps shorter than this."""
PICTURE_SHARE = 0.5
"""Share of the first difference between picture and goal image that may be left. The shipped policies left 0.02 to 0.2
in 40 reaches and 0.07 to 0.6 in 15 pushes that they brought to the goal; a checkpoint of 30 steps that believed to have
reached 11 goals, and had not, left 0.77 to 1.02."""
PICTURE_SIZE = (80, 60)


@dataclass(frozen=True)
class Verdict:
    """What came of a run: for the exit code, for the page's headline, and why in one clause."""

    reached: bool
    headline: str
    because: str


def picture_difference(image: NDArray[np.uint8], goal: NDArray[np.uint8]) -> float:
    """Mean absolute difference, 0 to 255, of two images uint8 (H, W, 3) averaged down to `PICTURE_SIZE`."""
    small, wanted = (cv2.resize(one, PICTURE_SIZE, interpolation=cv2.INTER_AREA) for one in (image, goal))
    return float(cv2.absdiff(small, wanted).mean())


def simulation_rule(tolerance_m: float) -> str:
    """What the simulation decides by."""
    return f"simulation: distance at most {100 * tolerance_m:.1f} cm in {HELD_SAMPLES} samples in a row"


def critic_rule() -> str:
    """What the critic decides by."""
    return (
        f"critic: estimate at least {ESTIMATE_AT_GOAL} and steps below {100 * STILL_STEP_M:.0f} cm at {HELD_TICKS} "
        f"control ticks in a row, and the picture's difference from the goal image below {PICTURE_SHARE:g} of the first"
    )


def judge_distances(distances_m: Sequence[float], tolerance_m: float) -> Verdict:
    """By the simulation's own distances, newest last."""
    held = [metres <= tolerance_m for metres in distances_m[-HELD_SAMPLES:]]
    reached = len(held) == HELD_SAMPLES and all(held)
    where = f"{100 * distances_m[-1]:.1f} cm from the goal" if distances_m else "its distance was never heard"
    return Verdict(reached, "Goal reached" if reached else "Goal not reached", where)


def judge_by_critic(
    estimates: Sequence[float], steps_m: Sequence[float], differences: Callable[[], tuple[float, float]]
) -> Verdict:
    """By the critic, for a goal image of which nothing else is known.

    Args:
        estimates, steps_m: critic's estimate and length of the commanded step of each control tick, newest last.
        differences: `picture_difference` to the goal image of the first and of the newest frame; asked for only when
            the critic is content.
    """
    if not estimates or math.isnan(estimates[-1]):
        return Verdict(False, "Nothing can tell whether the goal is reached", "there is no critic's estimate")
    word = f"last estimate {estimates[-1]:.2f}, threshold {ESTIMATE_AT_GOAL}"
    if not _held([value >= ESTIMATE_AT_GOAL for value in estimates]):
        return Verdict(False, "The critic does not believe that the goal is reached", word)
    if not _held([step < STILL_STEP_M for step in steps_m]):
        return Verdict(False, "The arm did not come to rest", word)
    first, last = differences()
    picture = f"picture's difference {first:.1f} -> {last:.1f} of 255"
    if not last < PICTURE_SHARE * first:
        return Verdict(False, "The critic sees no difference between view and goal", f"unconfirmed, {picture}, {word}")
    return Verdict(True, "The critic believes that the goal is reached", f"{word}, {picture}")


def _held(ticks: Sequence[bool]) -> bool:
    return len(ticks) >= HELD_TICKS and all(ticks[-HELD_TICKS:])
