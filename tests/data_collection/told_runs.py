"""What a policy might have told of the runs that the samples record."""

import functools
from collections.abc import Sequence

import numpy as np

from crl_data.telling import Told, ToldGoal
from crl_data.told_ticks import ToldTicks

PERIOD_NS = 200_000_000


def frame_ns(step: int) -> int:
    """Stamp of the frame of a step."""
    return (step + 1) * PERIOD_NS - 5_000_000


def told_tick(step: int, goal_ns: int, **more) -> dict:
    """What a policy tells of the tick of a step."""
    left = {"expected": 20.0 - step, "low": 10.0, "high": 30.0}
    facts = {"stamp_ns": frame_ns(step), "goal_stamp_ns": goal_ns, "tick": step + 7, "run": "r", "steps": left}
    return facts | {"reached": step == 5, "improving": True, "distances": [0.5, step], "patience_s": None} | more


def told_run(pictures: Sequence[dict[str, np.ndarray]], steps: int, change: int) -> Told:
    """A goal for each pictures, all but the first shown just after the frame of step ``change``, and a tick a step."""
    shown_ns = [1, *(frame_ns(change) + 9 + number for number in range(len(pictures) - 1))]
    goals = []
    for number, (shown, images) in enumerate(zip(shown_ns, pictures, strict=True)):
        readers = {camera: functools.partial(np.copy, image) for camera, image in images.items()}
        goals.append(ToldGoal(f"{number}.png", shown, number, () if number else ("blurred",), readers))
    ticks = [told_tick(step, shown_ns[-1 if step >= change else 0], stage=int(step >= change)) for step in range(steps)]
    return Told("over_shoulder", goals, ToldTicks.of(ticks))
