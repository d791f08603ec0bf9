"""Runs trials against the simulation in lock step: no ROS, no clock, so the same seed gives the same trials.

Which episode a trial is depends on `episode_seed` alone, whatever is evaluated and over which way: trials are paired.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch  # noqa: F401  before MuJoCo opens a GL context: the other order crashes
from numpy.typing import NDArray

from crl_learning.actors import Subject, make_actor
from crl_learning.eval_pictures import Pictures
from crl_learning.eval_report import side_by_side
from crl_learning.trials import Moment, Trial, episode_seed
from crl_robot.robots import WIDOWX, robot
from crl_robot.sim.env import SimEnv, render_goal
from crl_robot.sim.randomisation import Randomisation
from crl_robot.sim.state import Episode
from crl_robot.sim.task import Task
from crl_robot.sim.world_options import WorldOptions

CAMERA = "over_shoulder"
ACTOR_STREAM = 1
"""Second entry of the seed of an actor's own draws, which must not repeat those of the episode."""

Film = list[NDArray[np.uint8]]


class DirectRunner:
    """Runs trials of one task of one robot in this process.

    The goal image is rendered in the unchanged world unless ``goal_live``; ``options`` and what each trial draws from
    ``ranges`` change the live one.
    """

    def __init__(
        self,
        task: str,
        subject: Subject,
        options: WorldOptions | None = None,
        robot_name: str = WIDOWX.name,
        ranges: Randomisation | None = None,
        goal_live: bool = False,
    ) -> None:
        self._actor = make_actor(subject)
        self._sees = bool(self._actor.cameras)
        moved = robot(robot_name)
        self._options, self._ranges = options or WorldOptions(), ranges or Randomisation()
        self._cameras = self._actor.cameras or (CAMERA,)
        seen = tuple(dict.fromkeys((CAMERA, *self._cameras)))
        self._env = SimEnv(task, seen, options, robot=moved, decorated=self._ranges.decorated)
        usual = not self._ranges.groups and self._options == WorldOptions()
        self._goal_env = self._env if usual or goal_live else SimEnv(task, seen, robot=moved)

    def run(self, seed: int, index: int, film: Film | None = None) -> Trial:
        """Run trial ``index`` to its last control tick; `side_by_side` frames are added to ``film`` when given."""
        env = self._env
        drawn = episode_seed(seed, index)
        draw = self._ranges.draw((drawn,), self._options) if self._ranges.groups else None
        observation = env.reset(np.random.default_rng(drawn), draw)
        goals = {camera: render_goal(self._goal_env, env.episode, camera) for camera in env.cameras}
        goal = goals[CAMERA]
        given = np.concatenate([goals[camera] for camera in self._cameras], axis=-1)
        self._actor.begin(env, given, np.random.default_rng([drawn, ACTOR_STREAM]))
        moments = [moment_of(env)]
        looks = self._sees or film is not None
        for left in reversed(range(env.task.max_steps)):
            if film is not None:
                film.append(side_by_side(observation.frames[CAMERA].image, goal))
            observation = env.act(self._actor.act(env, observation), look=looks or left == 0)
            moments.append(moment_of(env))
        final = observation.frames[CAMERA].image
        if film is not None:
            film.append(side_by_side(final, goal))
        return make_trial(env.task, env.episode, seed, index, moments, Pictures.take(goal, final))

    def close(self) -> None:
        """Release the simulations."""
        self._env.close()
        self._goal_env.close()


def moment_of(env: SimEnv) -> Moment:
    """What is true in a simulation now."""
    x, y, z = env.world.tool_pose().position.tolist()
    return Moment(env.distance(), env.arm_distance(), env.stage, (x, y, z))


def make_trial(
    task: Task,
    episode: Episode,
    seed: int,
    index: int,
    moments: Sequence[Moment],
    pictures: Pictures | None = None,
) -> Trial:
    """The record of a trial from the moments before the first action and after each control tick."""
    start_xy, goal_xy = task.object_xy(episode)
    tool_only = all(part.name == "tool" for part in task.parts)
    return Trial(
        task=task.name,
        seed=seed,
        index=index,
        start_tool=episode.start.tool,
        goal_tool=episode.goal.tool,
        start_object_xy=start_xy,
        goal_object_xy=goal_xy,
        tolerance_m=task.tolerance_m,
        distances_m=tuple(moment.distance_m for moment in moments),
        arm_final_m=None if tool_only else moments[-1].arm_distance_m,
        stages=tuple(stage.name for stage in task.stages),
        stage_reached=moments[-1].stage,
        tool_path=tuple(moment.tool for moment in moments),
        pictures=pictures,
    )
