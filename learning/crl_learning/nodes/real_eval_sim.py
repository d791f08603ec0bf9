"""A simulation that plays the robot of real trials: it prepares scenes by itself, and the truth is the judge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crl_learning.nodes.eval_client import EvalClient
from crl_learning.real_eval.walk import Opinion
from crl_learning.trials import episode_seed
from crl_robot.sim.env import SimEnv

SETTLE_S = 0.3
"""After a reset, until every frame on its way shows the new start."""


class SimStage:
    """A `Stage`. ``env`` is of the same world as the simulation: a robot's goals are photographed by its own camera."""

    judge = "truth"

    def __init__(self, client: EvalClient, env: SimEnv, seed: int) -> None:
        self._client, self._env, self._seed = client, env, seed

    def prepare(self, scene: int, name: str) -> tuple[NDArray[np.uint8], None]:
        """Put the world at the start that the seed draws; returns its goal as the cameras of the policy see it."""
        drawn = episode_seed(self._seed, scene)
        self._env.reset(np.random.default_rng(drawn))
        self._client.reset(self._env.task.name, drawn)
        self._client.wait_for(SETTLE_S)
        return np.concatenate([self._env.goal_image(camera) for camera in self._client.goals.cameras], axis=-1), None

    def verdict(self, opinion: Opinion, name: str) -> bool:
        """What the simulation says after the run."""
        after_ns = self._client.now_ns()
        self._client.wait(lambda: self._client.newest_truth().stamp_ns >= after_ns, 10.0, "state after the run")
        return self._client.newest_truth().moment.distance_m <= self._env.task.tolerance_m
