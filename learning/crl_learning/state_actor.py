"""Acts in a trial of the simulation on its true state: a checkpoint that learned from `crl_robot.sim.state_numbers`."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from crl_learning.acting import ActingNetworks
from crl_learning.checkpoint import Checkpoint
from crl_learning.machine import CPU
from crl_robot.contracts import Observation
from crl_robot.errors import MismatchError
from crl_robot.sim.env import SimEnv
from crl_robot.sim.state_numbers import goal_numbers, state_names, state_numbers


class StateActor:
    """Acts deterministically and looks through no camera."""

    cameras = ()

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._meta = checkpoint.meta
        self._networks = ActingNetworks(checkpoint, self._meta.size, CPU)

    def begin(self, env: SimEnv, goal: NDArray[np.uint8], rng: np.random.Generator) -> None:
        """A trial starts towards the goal of the environment's episode. Raises MismatchError in another scene."""
        self._meta.action_spec.require_equal(env.spec, "the checkpoint", "the robot")
        names = state_names(env.world)
        if (self._meta.robot, self._meta.size) != (env.robot.data_name, (len(names),)):
            raise MismatchError(
                f"the checkpoint learned from {self._meta.size[0]} numbers of a state of '{self._meta.robot}', this "
                f"scene of '{env.robot.data_name}' has {len(names)}: {', '.join(names)}; use a checkpoint of this scene"
            )
        self._networks.set_goal(torch.from_numpy(goal_numbers(env))[None])

    def act(self, env: SimEnv, observation: Observation) -> NDArray[np.float32]:
        """Values (7,) of the next Action."""
        return self._networks.act(torch.from_numpy(state_numbers(env))[None])[0]
