"""Runs trials in one of OGBench's environments; which start and goal a trial has depends on seed and index alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch  # noqa: F401  before MuJoCo opens a GL context: the other order crashes
from numpy.typing import NDArray

from crl_data.ogbench.environment import OgbenchEnvironment
from crl_data.ogbench.names import OgbenchName
from crl_learning.actors import Subject
from crl_learning.ogbench.actors import make_actor
from crl_learning.ogbench.trials import OgbenchTrial, goal_of
from crl_learning.trials import episode_seed

ACTOR_STREAM = 1
"""Second entry of the seed of an actor's own draws, which must not repeat those of the episode."""
FILM_FRAMES = 40
"""A film has so many at most: drawing is slow without a GPU."""
FILM_FPS = 10.0

Film = list[NDArray[np.uint8]]


class OgbenchRunner:
    """One subject in one environment, in this process."""

    def __init__(self, task: str, subject: Subject) -> None:
        self._task = task
        self._actor = make_actor(subject)
        self._environment = OgbenchEnvironment(OgbenchName.parse(task))

    def run(self, seed: int, index: int, film: Film | None = None) -> OgbenchTrial:
        """Run trial ``index`` until it is at the goal or its time is over; frames beside the goal go to ``film``."""
        environment, drawn, goal = self._environment, episode_seed(seed, index), goal_of(index)
        observation, aim = environment.reset(goal, drawn, draw=film is not None)
        self._actor.begin(environment, aim, np.random.default_rng([drawn, ACTOR_STREAM]))
        success, steps = False, 0
        while not success and steps < environment.max_steps:
            if film is not None and steps % max(1, environment.max_steps // FILM_FRAMES) == 0:
                film.append(_beside_goal(environment))
            observation, success = environment.step(self._actor.act(environment, observation))
            steps += 1
        if film is not None:
            film.append(_beside_goal(environment))
        return OgbenchTrial(self._task, seed, index, goal, success, steps)

    def close(self) -> None:
        """Release the simulation."""
        self._environment.close()


def _beside_goal(environment: OgbenchEnvironment) -> NDArray[np.uint8]:
    assert environment.goal_picture is not None
    return np.hstack([environment.picture(), environment.goal_picture])


@dataclass(frozen=True)
class OgbenchJob:
    """Trials 0 .. episodes - 1 of one subject on one task, with one seed."""

    subject: Subject
    task: str
    seed: int
    episodes: int

    def runner(self) -> OgbenchRunner:
        """What runs its trials. Raises CheckpointError or ConfigError where they cannot be run."""
        return OgbenchRunner(self.task, self.subject)

    def require_usable(self) -> None:
        """Raise, before any process starts, what would go wrong in all of them: CrlError."""
        environment = OgbenchEnvironment(OgbenchName.parse(self.task))
        _, goal = environment.reset(1, 0)
        make_actor(self.subject).begin(environment, goal, np.random.default_rng(0))
        environment.close()

    @property
    def setting(self) -> OgbenchJob:
        """The same for all jobs that one runner serves."""
        return replace(self, seed=0, episodes=0)
