"""Evaluation in lock step on several processes: any number of them gives the same trials, in the same order."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch  # before MuJoCo opens a GL context: the other order crashes
from numpy.typing import NDArray

from crl_learning.actors import Subject, make_actor
from crl_learning.direct_runner import CAMERA, DirectRunner, make_trial
from crl_learning.eval_report import failures_first, write_trial_video
from crl_learning.trials import Trial
from crl_robot.robots import WIDOWX
from crl_robot.sim.randomisation import Randomisation
from crl_robot.sim.world_options import WorldOptions

__all__ = ["CAMERA", "DirectRunner", "Job", "make_trial", "record_videos", "run_direct", "run_jobs"]

CHUNK = 4
"""Trials a worker process takes at a time: small enough for a smooth progress bar."""


class Runner(Protocol):
    """Runs single trials in this process."""

    def run(self, seed: int, index: int) -> Any: ...
    def close(self) -> None: ...


class AnyJob(Protocol):
    """What `run_jobs` can run: trials 0 .. episodes - 1 with one seed; see `Job`."""

    @property
    def seed(self) -> int: ...
    @property
    def episodes(self) -> int: ...
    @property
    def setting(self) -> AnyJob: ...
    def runner(self) -> Runner: ...
    def require_usable(self) -> None: ...


SomeJob = TypeVar("SomeJob", bound=AnyJob)


@dataclass(frozen=True)
class Job:
    """Trials 0 .. episodes - 1 of one subject on one task of one robot, with one seed; see `DirectRunner`."""

    subject: Subject
    task: str
    seed: int
    episodes: int
    robot: str = WIDOWX.name
    options: WorldOptions | None = None
    ranges: Randomisation | None = None
    goal_live: bool = False

    def runner(self) -> DirectRunner:
        """What runs its trials. Raises CheckpointError or ConfigError where they cannot be run."""
        return DirectRunner(self.task, self.subject, self.options, self.robot, self.ranges, self.goal_live)

    def require_usable(self) -> None:
        """Raises CheckpointError, before any process starts, for a checkpoint that cannot be used."""
        make_actor(self.subject)

    @property
    def setting(self) -> Job:
        """The same for all jobs that one runner serves."""
        return replace(self, seed=0, episodes=0)


def run_jobs(
    jobs: Sequence[SomeJob], workers: int, on_trial: Callable[[SomeJob], None] = lambda job: None
) -> list[list[Any]]:
    """The trials of each job, in order, on ``workers`` processes of one thread each; ``on_trial`` is called per trial.

    What is run depends on the job alone, so any number of workers gives the same trials. One works in this process.
    """
    if workers == 1:
        return _run_here(jobs, on_trial)
    for number, job in enumerate(jobs):
        if all(job.setting != other.setting for other in jobs[:number]):
            job.require_usable()
    trials: list[list[Any]] = [[] for _ in jobs]
    chunks = [
        (number, range(start, min(start + CHUNK, job.episodes)))
        for number, job in enumerate(jobs)
        for start in range(0, job.episodes, CHUNK)
    ]
    with ProcessPoolExecutor(min(workers, len(chunks)), get_context("spawn"), _one_thread) as pool:
        try:
            with interrupts_held():
                pending = {pool.submit(_run_chunk, jobs[number], chunk): number for number, chunk in chunks}
            for done in as_completed(pending):
                number = pending[done]
                trials[number] += done.result()
                for _ in done.result():
                    on_trial(jobs[number])
        except (KeyboardInterrupt, SystemExit):
            for worker in active_children():  # one that still loads would finish its trials first
                worker.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
    return [sorted(one, key=lambda trial: trial.index) for one in trials]


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
    """The trials of one `Job`."""
    job = Job(subject, task, seed, episodes, robot_name, options)
    return run_jobs([job], workers, lambda _: on_trial())[0]


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Processes that are started within never get Ctrl-C: this one ends them, and they print no traceback."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def record_videos(job: Job, trials: Sequence[Trial], count: int, folder: Path) -> list[Path]:
    """Run the ``count`` trials worth watching once more, which repeats them exactly, and write their videos.

    Those of several seeds go to a folder for each.
    """
    chosen = failures_first(trials, count)
    if not chosen:
        return []
    several = len({trial.seed for trial in trials}) > 1
    runner = job.runner()
    paths = []
    for trial in chosen:
        film: list[NDArray[np.uint8]] = []
        runner.run(trial.seed, trial.index, film)
        paths.append(write_trial_video(folder / (f"seed_{trial.seed}" if several else ""), trial, film))
    runner.close()
    return paths


def _run_here(jobs: Sequence[SomeJob], on_trial: Callable[[SomeJob], None]) -> list[list[Any]]:
    _one_thread()
    trials: list[list[Any]] = []
    for job in jobs:
        runner = job.runner()
        trials.append([])
        for index in range(job.episodes):
            trials[-1].append(runner.run(job.seed, index))
            on_trial(job)
        runner.close()
    return trials


def _one_thread() -> None:
    torch.set_num_threads(1)


_held: list[tuple[AnyJob, Runner]] = []
"""The runner that a worker process used last: chunks of one job follow each other."""


def _run_chunk(job: AnyJob, chunk: range) -> list[Any]:
    if not _held or _held[0][0] != job.setting:
        for _, old in _held:
            old.close()
        _held[:] = [(job.setting, job.runner())]
    return [_held[0][1].run(job.seed, index) for index in chunk]
