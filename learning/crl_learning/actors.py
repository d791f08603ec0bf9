"""What acts in an evaluation: a checkpoint, or one of the baselines that say what its score means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from crl_learning.assets import checkpoint_folder
from crl_learning.checkpoint import Checkpoint, load_checkpoint
from crl_learning.goal_policy import GoalPolicy  # imports torch before MuJoCo can open a GL context
from crl_learning.state_actor import StateActor
from crl_robot.contracts import Observation
from crl_robot.errors import ConfigError, nearest
from crl_robot.sim.env import SimEnv
from crl_robot.sim.task import Oracle


@dataclass(frozen=True)
class Subject:
    """What is evaluated: a checkpoint folder, or one of `BASELINES` by name."""

    checkpoint: str | None = None
    policy: str | None = None

    def __post_init__(self) -> None:
        if (self.checkpoint is None) == (self.policy is None):
            raise ConfigError(
                f"got checkpoint={self.checkpoint} and policy={self.policy}, expected exactly one of them: "
                "checkpoint=models/NAME or policy=oracle|random|still"
            )
        if self.policy is not None and self.policy not in BASELINES:
            raise ConfigError(f"policy={self.policy} is unknown; {nearest(self.policy, BASELINES)}")

    @property
    def kind(self) -> str:
        """Name of the baseline, or 'checkpoint'."""
        return self.policy or "checkpoint"

    @property
    def name(self) -> str:
        """Name of the baseline, or the checkpoint's folder as it was given."""
        return self.policy or str(self.checkpoint)


class Actor(Protocol):
    """What acts in a trial; sees the environment so that oracles can cheat and policies can be given its camera."""

    @property
    def cameras(self) -> tuple[str, ...]:
        """Those that it sees; none where it does not look."""
        ...

    def begin(self, env: SimEnv, goal: NDArray[np.uint8], rng: np.random.Generator) -> None:
        """A trial starts. ``goal`` is the goal image at native size, of several cameras as `Views` stacks them."""
        ...

    def act(self, env: SimEnv, observation: Observation) -> NDArray[np.float32]:
        """Values (7,) of the next Action."""
        ...


class CheckpointActor:
    """Acts on camera images alone, deterministically."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._policy = GoalPolicy(checkpoint)

    @property
    def cameras(self) -> tuple[str, ...]:
        return self._policy.views.cameras

    def begin(self, env: SimEnv, goal: NDArray[np.uint8], rng: np.random.Generator) -> None:
        camera = env.cameras[self._policy.image_spec.camera]
        self._policy.require_robot(env.spec, camera.size, env.robot.data_name)
        self._policy.set_goal(goal)

    def act(self, env: SimEnv, observation: Observation) -> NDArray[np.float32]:
        return self._policy.act(self._policy.views.stack(observation.frames), observation.arm.joints)[0]


class OracleActor:
    """Reads the true state: what the arm and the task allow."""

    _oracle: Oracle
    cameras = ()

    def begin(self, env: SimEnv, goal: NDArray[np.uint8], rng: np.random.Generator) -> None:
        self._oracle = env.task.oracle()

    def act(self, env: SimEnv, observation: Observation) -> NDArray[np.float32]:
        return self._oracle.act(env)


class RandomActor:
    """Uniform deltas within the step limits and uniform openings of the gripper: what motion without a goal scores."""

    _rng: np.random.Generator
    cameras = ()

    def begin(self, env: SimEnv, goal: NDArray[np.uint8], rng: np.random.Generator) -> None:
        self._rng = rng

    def act(self, env: SimEnv, observation: Observation) -> NDArray[np.float32]:
        delta = self._rng.uniform(-1.0, 1.0, 3) * env.robot.limits.max_step_m
        return np.array([*delta, 0, 0, 0, self._rng.uniform()], dtype=np.float32)


class StillActor:
    """Never moves: what the start alone scores."""

    cameras = ()

    def begin(self, env: SimEnv, goal: NDArray[np.uint8], rng: np.random.Generator) -> None: ...

    def act(self, env: SimEnv, observation: Observation) -> NDArray[np.float32]:
        return np.array([0, 0, 0, 0, 0, 0, observation.arm.gripper_target], dtype=np.float32)


BASELINES: dict[str, Callable[[], Actor]] = {"oracle": OracleActor, "random": RandomActor, "still": StillActor}


def make_actor(subject: Subject) -> Actor:
    """The actor of a subject. Raises CheckpointError for a checkpoint that cannot be used."""
    if subject.checkpoint is not None:
        checkpoint = load_checkpoint(checkpoint_folder(subject.checkpoint))
        return CheckpointActor(checkpoint) if checkpoint.meta.image_spec else StateActor(checkpoint)
    return BASELINES[subject.policy or ""]()
