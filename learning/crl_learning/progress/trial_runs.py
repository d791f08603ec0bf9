"""Runs of a policy in simulation, to their last control tick, with the truth of every tick."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch  # noqa: F401  before MuJoCo opens a GL context: the other order crashes
from numpy.typing import NDArray

from crl_learning.goal_policy import GoalPolicy
from crl_learning.trials import episode_seed
from crl_robot.robots import WIDOWX, robot_of_data
from crl_robot.sim.env import SimEnv, render_goal

ARM_RIGHT_M = 0.02


@dataclass(frozen=True)
class TrialRun:
    """One run, one entry a control tick.

    Attributes:
        goal: uint8 (h, w, 3 * cameras) as the network sees it.
        views: uint8 (T, h, w, 3 * cameras) likewise.
        estimates: (T,) the critic's score.
        distances: (T, D) from the goal, as of `GoalPolicy.distances`.
        success: bool (T,) whether the world is at the goal.
        arm_right: bool (T,) whether the arm is where the goal shows it.
    """

    goal: NDArray[np.uint8]
    views: NDArray[np.uint8]
    estimates: NDArray[np.float64]
    distances: NDArray[np.float64]
    success: NDArray[np.bool_]
    arm_right: NDArray[np.bool_]


def trial_runs(
    policy: GoalPolicy, task: str, episodes: int, seed: int, on_episode: Callable[[], None] = lambda: None
) -> Iterator[TrialRun]:
    """Run trials of a task, as `crl-eval` draws them, with the robot whose data the policy learned from.

    Raises:
        ConfigError: the robot has no such task.
        ContractError: the policy's camera has another size.
    """
    with SimEnv(task, policy.views.cameras, robot=robot_of_data(policy.meta.robot) or WIDOWX) as env:
        for index in range(episodes):
            yield _run(env, policy, episode_seed(seed, index))
            on_episode()


def _run(env: SimEnv, policy: GoalPolicy, seed: int) -> TrialRun:
    """Nothing stops it early."""
    seen = policy.views
    observation = env.reset(np.random.default_rng(seed))
    goal = policy.set_goal(seen.join({camera: render_goal(env, env.episode, camera) for camera in seen.cameras}))
    views, estimates, distances, success, arm_right = [], [], [], [], []
    for _ in range(env.task.max_steps):
        image = seen.stack(observation.frames)
        values, estimate = policy.act(image, observation.arm.joints)
        views.append(seen.apply(image))
        estimates.append(estimate)
        distances.append(policy.distances)
        success.append(env.success())
        arm_right.append(env.arm_distance() <= ARM_RIGHT_M)
        observation = env.act(values)
    return TrialRun(
        goal,
        np.stack(views),
        np.array(estimates, np.float64),
        np.array(distances, np.float64).reshape(len(views), -1),
        np.array(success, bool),
        np.array(arm_right, bool),
    )
