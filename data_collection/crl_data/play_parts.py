"""What `crl-data play` records in turn: kinds of episodes, each with its scene, its starts and the one who acts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crl_data.settings import PlaySettings
from crl_robot.robots import Robot, robot
from crl_robot.sim.kitchen_play import KitchenPlay
from crl_robot.sim.kitchen_starts import kitchen_play_task
from crl_robot.sim.play import PlayPolicy
from crl_robot.sim.play_options import EVERYTHING, KITCHEN_PLAY, STITCH_PLAY, TABLE_PLAY, PlayOptions
from crl_robot.sim.stitching import PushingOn, TurningAway, pushing_task
from crl_robot.sim.task import Oracle, Task
from crl_robot.sim.tasks import get_task

TABLE_STEPS, KITCHEN_STEPS, TURNING_STEPS, PUSHING_STEPS = 60, 200, 40, 20
EVERYTHING_PLAYED = (KITCHEN_PLAY, KITCHEN_PLAY, KITCHEN_PLAY, TABLE_PLAY)
"""Two tasks take place at the table with one can and six in the kitchen."""


@dataclass(frozen=True)
class Part:
    """One kind of episode.

    Attributes:
        source: as the episodes name it.
        task: its scene and its starts.
        steps: control ticks.
        judged: whether an episode is marked with the task's success.
        actor: makes the one who acts in one episode.
    """

    source: str
    task: Task
    steps: int
    judged: bool
    actor: Callable[[np.random.Generator], Oracle]


def play_parts(settings: PlaySettings) -> tuple[Part, ...]:
    """The kinds in turn; episode i is of kind i modulo their number. Raises ConfigError when the robot cannot."""
    moved = robot(settings.robot)
    if settings.demonstrates:
        names = tuple(moved.tick_limits) if settings.task == EVERYTHING else (settings.task,)
        return tuple(_demonstration(name, moved, settings.steps) for name in names)
    if settings.task == STITCH_PLAY:
        return _stitched(moved, settings.steps)
    plays = EVERYTHING_PLAYED if settings.task == EVERYTHING else (settings.task,)
    kitchen = "kitchen" in moved.scenes
    made = {name: _play(name, moved, settings) for name in set(plays) if kitchen or name != KITCHEN_PLAY}
    return tuple(made[name] for name in plays if name in made) or (_play(KITCHEN_PLAY, moved, settings),)


def _demonstration(name: str, moved: Robot, steps: int) -> Part:
    task = get_task(name, moved)
    return Part(name, task, steps or task.max_steps, judged=True, actor=lambda _: task.oracle())


def _stitched(moved: Robot, steps: int) -> tuple[Part, ...]:
    """Both kinds of episodes in turn; see `crl_robot.sim.stitching`."""
    pushing = pushing_task(moved)
    return (
        Part("turning", get_task("push", moved), steps or TURNING_STEPS, judged=False, actor=TurningAway),
        Part("pushing", pushing, steps or PUSHING_STEPS, judged=False, actor=PushingOn),
    )


def _play(name: str, moved: Robot, settings: PlaySettings) -> Part:
    if name == KITCHEN_PLAY:
        task = kitchen_play_task(moved)
        return Part(name, task, settings.steps or KITCHEN_STEPS, judged=False, actor=KitchenPlay)
    task = get_task("push" if moved.plays_pushes else "reach", moved)
    options = PlayOptions(push_share=settings.push_share)
    return Part(name, task, settings.steps or TABLE_STEPS, False, lambda rng: PlayPolicy(rng, options, moved))
