"""crl-bench critic: how far a critic moves an actor's actions, and whether its value follows the object or the arm.

For checkpoints that learned from the numbers of a state, since those can be changed one by one: the same arm with the
object elsewhere, and the same object with the arm elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch  # before MuJoCo opens a GL context: the other order crashes
from numpy.typing import NDArray
from torch import Tensor

from crl_learning.acting import ActingNetworks
from crl_learning.assets import checkpoint_folder
from crl_learning.checkpoint import load_checkpoint
from crl_learning.machine import CPU
from crl_learning.networks.critic import Critic
from crl_learning.ranks import rank_correlation
from crl_learning.statistics import wilson
from crl_learning.trials import episode_seed
from crl_robot.errors import CheckpointError
from crl_robot.sim.env import SimEnv
from crl_robot.sim.moves import TRAVEL_HEIGHT_M
from crl_robot.sim.places import sample_can, sample_tool
from crl_robot.sim.state_numbers import UNIT_M, goal_numbers, middle, state_numbers

Array = NDArray[np.float32]

TASK = "push"
TOOL, OBJECT = slice(0, 3), slice(3, 5)
"""Where tool (x, y, z) and can (x, y) stand in `state_numbers` of this task."""
SHARE = "object_counts_more"
PLACES = 64
"""Other places of the object, or of the tool, that a start is judged with."""


class _Judge:
    """Policy and critic of a checkpoint on batches of states."""

    def __init__(self, name: str) -> None:
        checkpoint = load_checkpoint(checkpoint_folder(name))
        meta = checkpoint.meta
        if meta.image_spec is not None:
            raise CheckpointError(f"{name} learned from images, expected states: crl-data play states=true")
        self.networks, self.scale = ActingNetworks(checkpoint, meta.size, CPU), meta.action_scale

    @torch.inference_mode()
    def actions(self, states: Array, goals: Array) -> Array:
        """(N, 7) in their own units."""
        return self.scale.denormalise(self._policy(states, goals).clamp(-1, 1).numpy())

    @torch.inference_mode()
    def values(self, states: Array, goals: Array) -> Array:
        """(N,) the smaller twin's f(s, pi(s, g), g)."""
        critic = self.networks.critic
        if not isinstance(critic, Critic):
            raise CheckpointError("the checkpoint has no contrastive critic; give one of algorithm=stable_crl")
        prepared = critic.prepare(torch.from_numpy(goals))
        scores = critic.score(torch.from_numpy(states), self._policy(states, goals), prepared)
        return scores.min(dim=0).values.numpy()

    def _policy(self, states: Array, goals: Array) -> Tensor:
        action = self.networks.policy(torch.from_numpy(states), torch.from_numpy(goals))
        assert isinstance(action, Tensor)
        return action


def critic_effect(
    checkpoint: str, control: str, episodes: int, seed: int, on_episode: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """Facts of ``checkpoint`` beside ``control``, the same actor trained without the critic, on trials of `push`.

    Every fact is a mean over trials with its 95 % interval:

    - moved_mm, step_mm: how far actions of both lie apart on the way of ``checkpoint``, and how long its own are;
    - follows_object: Spearman's correlation of the value with the nearness of the object to its goal, over places of
      the object at the arm of the start; follows_arm: with the nearness of the arm, over places of the arm at the
      object of the start;
    - object_counts_more: share of the starts where the object at its goal is worth more than the arm at its.

    Raises CheckpointError where one of them cannot be used.
    """
    judge, other = _Judge(checkpoint), _Judge(control)
    rows: dict[str, list[float]] = {}
    with SimEnv(TASK, cameras=()) as env:
        for index in range(episodes):
            drawn = episode_seed(seed, index)
            rng = np.random.default_rng([drawn, 1])
            env.reset(np.random.default_rng(drawn))
            goal, start = goal_numbers(env), state_numbers(env)
            found = _of_values(judge, env, start, goal, rng) | _of_actions(judge, other, env, goal)
            for name, value in found.items():
                rows.setdefault(name, []).append(value)
            on_episode()
    facts = {"checkpoint": checkpoint, "control": control, "episodes": episodes, "seed": seed}
    share = rows.pop(SHARE)
    return facts | {name: _mean(np.array(values)) for name, values in rows.items()} | {SHARE: _share(share)}


def _of_actions(judge: _Judge, control: _Judge, env: SimEnv, goal: Array) -> dict[str, float]:
    """How far the actions of both lie apart, mm, along the way that ``judge`` goes."""
    states = []
    for _ in range(env.task.max_steps):
        states.append(state_numbers(env))
        env.act(judge.actions(states[-1][None], goal[None])[0])
    way = np.stack(states)
    goals = np.broadcast_to(goal, way.shape).copy()
    mine, its = (one.actions(way, goals)[:, :3] for one in (judge, control))
    return {
        "moved_mm": 1000 * float(np.linalg.norm(mine - its, axis=1).mean()),
        "step_mm": 1000 * float(np.linalg.norm(mine, axis=1).mean()),
    }


def _of_values(judge: _Judge, env: SimEnv, start: Array, goal: Array, rng: np.random.Generator) -> dict[str, float]:
    """Rank correlations of value and nearness, and which of arm and object counts for more."""
    robot = env.robot
    object_elsewhere, arm_elsewhere = (np.repeat(start[None], PLACES, axis=0) for _ in range(2))
    for row in object_elsewhere:
        row[OBJECT] = (sample_can(rng, robot) - middle(robot)[:2]) / UNIT_M
    for row in arm_elsewhere:
        tool = sample_tool(rng, robot=robot)
        tool[2] = max(tool[2], TRAVEL_HEIGHT_M)
        row[TOOL] = (tool - middle(robot)) / UNIT_M
    only_object, only_arm = start.copy(), start.copy()
    only_object[OBJECT], only_arm[TOOL] = goal[OBJECT], goal[TOOL]
    values = judge.values(np.stack([only_object, only_arm]), np.stack([goal, goal]))
    return {
        "follows_object": nearness_correlation(judge.values, object_elsewhere, goal, OBJECT),
        "follows_arm": nearness_correlation(judge.values, arm_elsewhere, goal, TOOL),
        SHARE: float(values[0] > values[1]),
    }


def nearness_correlation(value_of: Callable[[Array, Array], Array], states: Array, goal: Array, part: slice) -> float:
    """Spearman's, of value and minus the distance of one part of the states (N, D) to that of the goal (D,)."""
    values = value_of(states, np.repeat(goal[None], len(states), axis=0))
    near = -np.linalg.norm(states[:, part] - goal[part], axis=1)
    return rank_correlation(values, near)


def _share(values: Sequence[float]) -> dict[str, float]:
    """Of trials with its 95 % Wilson interval."""
    interval = wilson(int(sum(values)), len(values))
    return {"mean": interval.value, "low": interval.low, "high": interval.high}


def _mean(values: NDArray[np.float64]) -> dict[str, float]:
    """Mean over episodes with its normal 95 % interval."""
    half = 1.96 * values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    mean = float(values.mean())
    return {"mean": mean, "low": mean - float(half), "high": mean + float(half)}
