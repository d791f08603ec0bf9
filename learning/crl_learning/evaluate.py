"""Evaluation against the simulation in lock step: no ROS, no clock, so the same seed gives the same trials.

Which episode a trial is depends on `episode_seed` alone, whatever is evaluated and over which way: trials are paired.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from functools import cache
from multiprocessing import active_children, get_context
from pathlib import Path

import numpy as np
import torch  # before MuJoCo opens a GL context: the other order crashes
from numpy.typing import NDArray

from crl_learning.actors import Subject, make_actor
from crl_learning.eval_report import failures_first, side_by_side, write_trial_video
from crl_learning.trials import Trial, episode_seed
from crl_robot.robots import WIDOWX, robot
from crl_robot.sim.env import SimEnv, render_goal
from crl_robot.sim.tasks import Episode, Task
from crl_robot.sim.world import WorldOptions

CAMERA = "over_shoulder"
ACTOR_STREAM = 1
"""Second entry of the seed of an actor's own draws, which must not repeat those of the episode."""
CHUNK = 4
"""Trials a worker process takes at a time: small enough for a smooth progress bar."""


class DirectRunner:
    """Runs trials of one task of one robot in this process.

    The goal image is always rendered in the unchanged world; ``options`` change the live one only.
    """

    def __init__(
        self, task: str, subject: Subject, options: WorldOptions | None = None, robot_name: str = WIDOWX.name
    ) -> None:
        self._actor = make_actor(subject)
        moved = robot(robot_name)
        self._env = SimEnv(task, options=options, robot=moved)
        self._goal_env = SimEnv(task, robot=moved) if options and options != WorldOptions() else self._env

    def run(self, seed: int, index: int, film: list[NDArray[np.uint8]] | None = None) -> Trial:
        """Run trial ``index`` to its last control tick; `side_by_side` frames are added to ``film`` when given."""
        env = self._env
        drawn = episode_seed(seed, index)
        observation = env.reset(np.random.default_rng(drawn))
        goal = render_goal(self._goal_env, env.episode, CAMERA)
        self._actor.begin(env, goal, np.random.default_rng([drawn, ACTOR_STREAM]))
        if film is not None:
            film.append(side_by_side(observation.frames[CAMERA].image, goal))
        distances = [env.distance()]
        for _ in range(env.task.max_steps):
            observation = env.act(self._actor.act(env, observation))
            distances.append(env.distance())
            if film is not None:
                film.append(side_by_side(observation.frames[CAMERA].image, goal))
        return make_trial(env.task, env.episode, seed, index, distances)

    def close(self) -> None:
        """Release the simulations."""
        self._env.close()
        self._goal_env.close()


def make_trial(task: Task, episode: Episode, seed: int, index: int, distances_m: Sequence[float]) -> Trial:
    """The record of a trial from the distances (m) before the first action and after each control tick."""
    return Trial(
        task=task.name,
        seed=seed,
        index=index,
        start_tool=episode.start_tool,
        goal_tool=episode.goal_tool,
        start_object_xy=episode.start_object_xy,
        goal_object_xy=episode.goal_object_xy,
        tolerance_m=task.tolerance_m,
        distances_m=tuple(distances_m),
    )


def run_direct(
    task: str,
    subject: Subject,
    seed: int,
    episodes: int,
    options: WorldOptions | None = None,
    workers: int = 2,
    on_trial: Callable[[], None] = lambda: None,
    robot_name: str = WIDOWX.name,
) -> list[Trial]:
    """Trials 0 .. episodes - 1 in order, on ``workers`` processes of one thread each; ``on_trial`` is called per trial.

    What is run depends on seed and index alone, so any number of workers gives the same trials. One works in this
    process.
    """
    if workers == 1:
        return _run_here(DirectRunner(task, subject, options, robot_name), seed, episodes, on_trial)
    make_actor(subject)  # refuses a bad checkpoint here, before any process starts
    chunks = [range(start, min(start + CHUNK, episodes)) for start in range(0, episodes, CHUNK)]
    trials: list[Trial] = []
    with ProcessPoolExecutor(min(workers, len(chunks)), get_context("spawn"), _one_thread) as pool:
        with interrupts_held():
            pending = [pool.submit(_run_chunk, task, subject, options, robot_name, seed, chunk) for chunk in chunks]
        try:
            for done in as_completed(pending):
                trials += done.result()
                for _ in done.result():
                    on_trial()
        except (KeyboardInterrupt, SystemExit):
            for worker in active_children():  # one that still loads would finish its trials first
                worker.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
    return sorted(trials, key=lambda trial: trial.index)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Processes that are started within never get Ctrl-C: this one ends them, and they print no traceback."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run_here(runner: DirectRunner, seed: int, episodes: int, on_trial: Callable[[], None]) -> list[Trial]:
    _one_thread()
    trials = []
    for index in range(episodes):
        trials.append(runner.run(seed, index))
        on_trial()
    runner.close()
    return trials


def record_videos(
    trials: Sequence[Trial],
    count: int,
    subject: Subject,
    options: WorldOptions | None,
    folder: Path,
    robot_name: str = WIDOWX.name,
) -> list[Path]:
    """Run the ``count`` trials worth watching once more, which repeats them exactly, and write their videos."""
    chosen = failures_first(trials, count)
    if not chosen:
        return []
    runner = DirectRunner(chosen[0].task, subject, options, robot_name)
    paths = []
    for trial in chosen:
        film: list[NDArray[np.uint8]] = []
        runner.run(trial.seed, trial.index, film)
        paths.append(write_trial_video(folder, trial, film))
    runner.close()
    return paths


def _one_thread() -> None:
    torch.set_num_threads(1)


@cache
def _worker_runner(task: str, subject: Subject, options: WorldOptions | None, robot_name: str) -> DirectRunner:
    return DirectRunner(task, subject, options, robot_name)


def _run_chunk(
    task: str, subject: Subject, options: WorldOptions | None, robot_name: str, seed: int, chunk: range
) -> list[Trial]:
    runner = _worker_runner(task, subject, options, robot_name)
    return [runner.run(seed, index) for index in chunk]
