"""crl-bench far: the same simulated trials without a planner and with each, in lock step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch  # noqa: F401  before MuJoCo opens a GL context: the other order crashes
from numpy.typing import NDArray

from crl_learning.assets import checkpoint_folder
from crl_learning.goal_policy import GoalPolicy
from crl_learning.goals.check import CheckedGoal
from crl_learning.planning.loading import planner_of, require_calibration
from crl_learning.planning.plan import NONE, PLANNERS
from crl_learning.progress.watch import ProgressWatch
from crl_learning.runtime.far_run import FarRun
from crl_learning.runtime.goal_run import GoalRun
from crl_learning.runtime.outcome import Outcome
from crl_learning.runtime.plan_ahead import AtOnce
from crl_learning.runtime.settings import RunSettings
from crl_learning.statistics import compare_paired, wilson
from crl_learning.trials import episode_seed
from crl_learning.views import Views
from crl_robot.contracts import Observation
from crl_robot.errors import ConfigError
from crl_robot.goal_image import GoalImage
from crl_robot.sim.env import SimEnv, render_goal

TRIES = 8
"""Of one instant: a plan is asked for, comes, and stages follow each other before something is sent."""
ON = RunSettings(when_reached="go_on", when_stuck="go_on", pause_on_estop=False)


@dataclass(frozen=True)
class FarTrial:
    """One run: success at the last tick, the first tick with success (inf without), and what became of its plans."""

    success: bool
    first: float
    waypoints: int
    replans: int
    failed: bool


def bench_far(
    checkpoint: str,
    tasks: Sequence[str],
    episodes: int,
    seed: int,
    waypoints: int = 3,
    on_trial: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Run trials with every planner; returns facts by task and planner.

    Args:
        on_trial: called after each of ``len(tasks) * len(PLANNERS) * episodes`` trials.

    Raises:
        CheckpointError: the checkpoint cannot be used, is not calibrated, or has no map.
        ConfigError: fewer than two episodes.
    """
    if episodes < 2:
        raise ConfigError(f"episodes is {episodes}, expected at least 2")
    folder = Path(checkpoint_folder(checkpoint))
    policy, calibration = GoalPolicy.load(folder), require_calibration(folder)
    planners = {name: None if name == NONE else planner_of(folder, name) for name in PLANNERS}
    facts: dict[str, Any] = {"checkpoint": checkpoint, "episodes": episodes, "seed": seed, "waypoints": waypoints}
    facts["tasks"] = {}
    for task in tasks:
        trials: dict[str, list[FarTrial]] = {name: [] for name in planners}
        with SimEnv(task, policy.views.cameras) as env:
            for index in range(episodes):
                for name, planner in planners.items():
                    watch = ProgressWatch(calibration, calibration.rates[-1])
                    run = (
                        GoalRun(policy, ON, watch, drop_late=False)
                        if planner is None
                        else FarRun(policy, ON, watch, planner, waypoints, executor=AtOnce(), drop_late=False)
                    )
                    trials[name].append(_trial(env, run, policy.views, episode_seed(seed, index)))
                    on_trial()
        facts["tasks"][task] = {name: _facts(trials[name], trials[NONE]) for name in planners}
    return facts


def _trial(env: SimEnv, run: GoalRun, views: Views, seed: int) -> FarTrial:
    observation = env.reset(np.random.default_rng(seed))
    goal = views.join({camera: render_goal(env, env.episode, camera) for camera in views.cameras})
    run.set_goals([CheckedGoal(GoalImage(goal, (), "goal"))])
    run.start()
    success: list[bool] = []
    waypoints, replans = 0, 0
    for _ in range(env.task.max_steps):
        observation = env.act(_action(run, observation))
        success.append(env.success())
        waypoints = max(waypoints, len(run.stages) - 1)
        replans = max(replans, run.plan["again"] if run.plan else 0)
    failed = run.clock.state == "ended"
    return FarTrial(success[-1], success.index(True) + 1 if any(success) else math.inf, waypoints, replans, failed)


def _action(run: GoalRun, observation: Observation) -> NDArray[np.float32]:
    """What the run sends at this instant; without anything the arm holds."""
    outcomes: list[Outcome] = []
    for _ in range(TRIES):
        run.tick(observation, 0.0, outcomes.append)
        if outcomes and outcomes[-1].send and outcomes[-1].tick.action is not None:
            return outcomes[-1].tick.action.values
    return np.array([0, 0, 0, 0, 0, 0, observation.arm.gripper_target], np.float32)


def _facts(trials: Sequence[FarTrial], without: Sequence[FarTrial]) -> dict[str, Any]:
    """Success with its interval, and beside the same trials without a planner."""
    share = wilson(sum(trial.success for trial in trials), len(trials))
    paired = compare_paired([one.success for one in trials], [one.success for one in without])
    ticks = [trial.first for trial in trials]
    return {
        "success_final": share.value,
        "success_final_low": share.low,
        "success_final_high": share.high,
        "success_any": sum(math.isfinite(tick) for tick in ticks) / len(trials),
        "median_ticks_to_success": float(np.median(ticks)) if math.isfinite(float(np.median(ticks))) else None,
        "paired": vars(paired),
        "waypoints": float(np.mean([trial.waypoints for trial in trials])),
        "replans": float(np.mean([trial.replans for trial in trials])),
        "no_plan": sum(trial.failed for trial in trials),
    }
