"""What acts in OGBench's environments: a checkpoint that learned there, or a baseline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from crl_data.ogbench.demonstrators import to_next_cell
from crl_data.ogbench.environment import OgbenchEnvironment
from crl_learning.acting import ActingNetworks
from crl_learning.actors import Subject
from crl_learning.assets import checkpoint_folder
from crl_learning.checkpoint import load_checkpoint
from crl_learning.machine import CPU
from crl_robot.errors import ConfigError, MismatchError

POINT_STEP = 0.2
"""How far a point goes with an action of 1."""


class Actor(Protocol):
    """Acts in one environment; sees it so that oracles can cheat."""

    def begin(self, environment: OgbenchEnvironment, goal: NDArray[Any], rng: np.random.Generator) -> None:
        """A trial starts towards ``goal``, an observation."""
        ...

    def act(self, environment: OgbenchEnvironment, observation: NDArray[Any]) -> NDArray[np.floating[Any]]:
        """The next action (A,), from -1 to 1."""
        ...


class CheckpointActor:
    """Acts on observations alone, deterministically.

    Raises:
        CheckpointError: the checkpoint cannot be used.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        checkpoint = load_checkpoint(checkpoint_folder(folder))
        self._meta = checkpoint.meta
        self._networks = ActingNetworks(checkpoint, self._meta.size, CPU)

    def require(self, environment: OgbenchEnvironment) -> None:
        """Raise MismatchError unless it learned from observations and actions of this environment."""
        here, learned = environment.store_spec(), self._meta
        learned.action_spec.require_equal(here.action, f"checkpoint {self._folder}", "the environment")
        images = learned.image_spec is not None
        if images != bool(here.cameras) or (not images and learned.size != (len(here.state_names),)):
            kind = "images" if here.cameras else f"{len(here.state_names)} numbers of state"
            raise MismatchError(
                f"checkpoint {self._folder} learned from observations of size {learned.size}, the environment gives "
                f"{kind}; train one with data of task={environment.name.task}"
            )

    def begin(self, environment: OgbenchEnvironment, goal: NDArray[Any], rng: np.random.Generator) -> None:
        self.require(environment)
        self._networks.set_goal(self._seen(goal))

    def act(self, environment: OgbenchEnvironment, observation: NDArray[Any]) -> NDArray[np.floating[Any]]:
        return self._networks.act(self._seen(observation))[0]

    def _seen(self, observation: NDArray[Any]) -> torch.Tensor:
        spec = self._meta.image_spec
        return torch.from_numpy(observation if spec is None else spec.apply(observation))[None]


class OracleActor:
    """Walks the shortest way through a maze of points; OGBench has no oracle for one goal of the other environments."""

    def begin(self, environment: OgbenchEnvironment, goal: NDArray[Any], rng: np.random.Generator) -> None:
        if environment.name.demonstrator != "maze":
            raise ConfigError(
                f"policy=oracle knows the way in pointmaze only, got task={environment.name.task}; use a checkpoint, "
                "policy=random or policy=still"
            )

    def act(self, environment: OgbenchEnvironment, observation: NDArray[Any]) -> NDArray[np.floating[Any]]:
        raw = environment.raw
        here, goal = raw.get_xy(), np.array(raw.cur_goal_xy)
        if raw.xy_to_ij(here) == raw.xy_to_ij(goal):
            return np.clip((goal - here) / POINT_STEP, -1, 1)
        return to_next_cell(environment)


class RandomActor:
    """Uniform actions."""

    _rng: np.random.Generator

    def begin(self, environment: OgbenchEnvironment, goal: NDArray[Any], rng: np.random.Generator) -> None:
        self._rng = rng

    def act(self, environment: OgbenchEnvironment, observation: NDArray[Any]) -> NDArray[np.floating[Any]]:
        return self._rng.uniform(-1, 1, len(environment.spec.names))


class StillActor:
    """Actions of 0."""

    def begin(self, environment: OgbenchEnvironment, goal: NDArray[Any], rng: np.random.Generator) -> None: ...

    def act(self, environment: OgbenchEnvironment, observation: NDArray[Any]) -> NDArray[np.floating[Any]]:
        return np.zeros(len(environment.spec.names))


BASELINES: dict[str, Callable[[], Actor]] = {"oracle": OracleActor, "random": RandomActor, "still": StillActor}


def make_actor(subject: Subject) -> Actor:
    """The actor of a subject. Raises CheckpointError for a checkpoint that cannot be used."""
    if subject.checkpoint is not None:
        return CheckpointActor(subject.checkpoint)
    return BASELINES[subject.policy or ""]()
