"""crl-bench progress: what the progress signal is worth in simulation, beside pixels and cloned features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch  # noqa: F401  before MuJoCo opens a GL context: the other order crashes
from numpy.typing import NDArray

from crl_learning.assets import checkpoint_folder
from crl_learning.bench_progress_held_out import CLONING, CRITIC, PIXELS, held_out_facts, pixel_signal
from crl_learning.bench_progress_report import write_report
from crl_learning.goal_policy import GoalPolicy
from crl_learning.progress.calibration import Calibration
from crl_learning.progress.export import load_progress
from crl_learning.progress.measuring import Watched, differences, signal_facts, stop_facts
from crl_learning.trials import episode_seed
from crl_robot.errors import CheckpointError, ConfigError
from crl_robot.sim.env import SimEnv, render_goal

CAMERA = "over_shoulder"
SCORE = "critic_score"
ARM_RIGHT_M = 0.02


def bench_progress(
    checkpoint: str,
    tasks: Sequence[str],
    episodes: int,
    seed: int,
    rate: float = 0.05,
    gcbc: str = "",
    data: Path | None = None,
    out: Path | None = None,
    on_episode: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Run a calibrated checkpoint and judge every tick; returns facts by task.

    Args:
        tasks: names of simulated tasks.
        rate: chosen false-positive rate of a run.
        gcbc: checkpoint of behaviour cloning whose features are compared; '' for none.
        data: store that no network has learned from, for the facts under 'held_out'; None for none.
        out: folder that gets a line for each tick (ticks_TASK.csv) and the ROC curves (roc.png).
        on_episode: called after each of ``len(tasks) * episodes`` episodes.

    Raises:
        CheckpointError: a checkpoint cannot be used, or the first one is not calibrated.
        ConfigError: fewer than two episodes.
        StoreError: ``data`` cannot be read.
    """
    if episodes < 2:
        raise ConfigError(f"episodes is {episodes}, expected at least 2")
    folder = Path(checkpoint_folder(checkpoint))
    policy, export = GoalPolicy.load(folder), load_progress(folder)
    if export is None or export.calibration is None:
        raise CheckpointError(f"{folder} is not calibrated; do it: crl-run calibrate {checkpoint} --data STORE")
    cloning = GoalPolicy.load(checkpoint_folder(gcbc)) if gcbc else None
    calibration, period_s = export.calibration, policy.action_spec.period_s
    facts: dict[str, Any] = {"checkpoint": checkpoint, "gcbc": gcbc, "episodes": episodes, "seed": seed, "tasks": {}}
    if data is not None:
        facts["held_out"] = held_out_facts(policy, cloning, calibration, data, seed)
    watched = {}
    for task in tasks:
        watched[task] = _watch(task, policy, cloning, calibration, episodes, seed, on_episode)
        facts["tasks"][task] = task_facts(watched[task], calibration, rate, period_s, seed)
    if out is not None:
        write_report(out, watched)
    return facts


def task_facts(
    watched: Sequence[Watched], calibration: Calibration, rate: float, period_s: float, seed: int
) -> dict[str, Any]:
    """Facts of one task's episodes."""
    rng = np.random.default_rng(seed)
    names = list(watched[0].signals)
    others = [name for name in names if name != CRITIC]
    return {
        "signals": {name: signal_facts(watched, name, rng) for name in names},
        "differences": differences(watched, CRITIC, others, rng),
        "stopping": stop_facts(watched, CRITIC, calibration, rate, period_s),
    }


def _watch(
    task: str,
    policy: GoalPolicy,
    cloning: GoalPolicy | None,
    calibration: Calibration,
    episodes: int,
    seed: int,
    on_episode: Callable[[], None],
) -> list[Watched]:
    watched = []
    with SimEnv(task, (CAMERA,)) as env:
        for index in range(episodes):
            watched.append(_episode(env, policy, cloning, calibration, episode_seed(seed, index)))
            on_episode()
    return watched


def _episode(
    env: SimEnv, policy: GoalPolicy, cloning: GoalPolicy | None, calibration: Calibration, seed: int
) -> Watched:
    """One run to the last control tick; nothing stops it early."""
    observation = env.reset(np.random.default_rng(seed))
    goal = policy.set_goal(render_goal(env, env.episode, CAMERA))
    views, estimates, distances, success, arm_right = [], [], [], [], []
    for _ in range(env.task.max_steps):
        image = observation.frames[CAMERA].image
        values, estimate = policy.act(image)
        views.append(policy.image_spec.apply(image))
        estimates.append(estimate)
        distances.append(policy.distances)
        success.append(env.success())
        arm_right.append(env.arm_distance() <= ARM_RIGHT_M)
        observation = env.act(values)
    seen = np.stack(views)
    signals = {
        CRITIC: np.array([calibration.signal_of(one) for one in distances]),
        SCORE: np.array(estimates),
        PIXELS: np.array([pixel_signal(view, goal) for view in seen]),
    }
    if cloning is not None:
        signals[CLONING] = -_features(cloning, seen, goal)
    return Watched(signals, np.array(success), np.array(arm_right))


def _features(cloning: GoalPolicy, seen: NDArray[np.uint8], goal: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Distance (T,) of what behaviour cloning's encoder makes of view and goal from what it makes of goal and goal."""
    return cloning.compare(seen, np.broadcast_to(goal, seen.shape)).sum(-1).astype(np.float64)
