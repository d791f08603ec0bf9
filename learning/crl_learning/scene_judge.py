"""What a contrastive critic and its policy make of scenes of the simulation, seen as images or as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch  # before MuJoCo opens a GL context: the other order crashes
from numpy.typing import NDArray
from torch import Tensor

from crl_learning.acting import ActingNetworks
from crl_learning.assets import checkpoint_folder
from crl_learning.checkpoint import load_checkpoint
from crl_learning.goal_policy import views_of
from crl_learning.machine import CPU
from crl_learning.networks.critic import Critic
from crl_robot.errors import CheckpointError
from crl_robot.robots import WIDOWX, robot_of_data
from crl_robot.sim.env import SimEnv
from crl_robot.sim.state import SceneState
from crl_robot.sim.state_numbers import scene_numbers, state_numbers

Seen = NDArray[Any]
"""uint8 (N, h, w, 3 * cameras), or float32 (N, D) of states; without N for one scene."""

_BATCH = 64


class SceneJudge:
    """Policy and critic of a checkpoint. Raises CheckpointError when the checkpoint cannot be used here."""

    def __init__(self, name: str) -> None:
        checkpoint = load_checkpoint(checkpoint_folder(name))
        meta = checkpoint.meta
        if meta.network.proprio:
            raise CheckpointError(f"{name} sees the arm's state, which a placed scene has none of; give another one")
        self._networks, self._scale = ActingNetworks(checkpoint, meta.size, CPU), meta.action_scale
        self._chunk = meta.network.chunk
        self.robot = robot_of_data(meta.robot) or WIDOWX
        self._views = views_of(meta) if meta.image_spec else None

    @property
    def cameras(self) -> tuple[str, ...]:
        """What it looks through; none when it learned from states."""
        return self._views.cameras if self._views else ()

    def seen(self, env: SimEnv) -> Seen:
        """The world as it is now."""
        return self._pictures(env) if self._views else state_numbers(env)

    def seen_at(self, env: SimEnv, scene: SceneState) -> Seen:
        """The world posed at ``scene``; the run goes on unchanged."""
        if not self._views:
            return scene_numbers(env, scene)
        with env.world.aside():
            env.place(scene)
            return self._pictures(env)

    def actions(self, states: Seen, goal: Seen) -> NDArray[np.float32]:
        """The next action (N, 7) in its own units at each of the states, towards one goal."""
        chunks = np.concatenate([self._policy(part, goal).clamp(-1, 1).numpy() for part in _parts(states)])
        return self._scale.denormalise(chunks.reshape(len(states), self._chunk, -1)[:, 0])

    @torch.inference_mode()
    def values(self, states: Seen, goal: Seen) -> NDArray[np.float32]:
        """(N,) the smaller twin's f(s, pi(s, g), g). Raises CheckpointError without a contrastive critic."""
        critic = self._networks.critic
        if not isinstance(critic, Critic):
            raise CheckpointError("the checkpoint has no contrastive critic; give one of algorithm=stable_crl")
        values = []
        for part in _parts(states):
            scores = critic.score(_tensor(part), self._policy(part, goal), critic.prepare(_repeated(goal, len(part))))
            values.append(scores.min(dim=0).values.numpy())
        return np.concatenate(values)

    @torch.inference_mode()
    def _policy(self, states: Seen, goal: Seen) -> Tensor:
        action = self._networks.policy(_tensor(states), _repeated(goal, len(states)))
        assert isinstance(action, Tensor)
        return action

    def _pictures(self, env: SimEnv) -> Seen:
        assert self._views is not None
        return self._views.apply(self._views.join({name: env.cameras[name].read().image for name in self.cameras}))


def _parts(states: Seen) -> list[Seen]:
    return [states[i : i + _BATCH] for i in range(0, len(states), _BATCH)]


def _tensor(seen: Seen) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(seen))


def _repeated(goal: Seen, count: int) -> Tensor:
    return _tensor(goal)[None].expand(count, *goal.shape).contiguous()
