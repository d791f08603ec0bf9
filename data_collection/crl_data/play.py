"""Scripted play in simulation, written into a store: one seed per episode, any number of processes, resumable."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from crl_data.progress import progress_bar
from crl_data.schema import CameraSpec, StoreSpec
from crl_data.settings import PlaySettings
from crl_data.store import Store
from crl_data.writer import EpisodeWriter
from crl_robot.contracts import Action, ActionSpec
from crl_robot.errors import StoreError
from crl_robot.robots import robot
from crl_robot.sim.camera import SimCamera
from crl_robot.sim.env import SimEnv
from crl_robot.sim.oracles import Oracle, oracle
from crl_robot.sim.play import PlayPolicy
from crl_robot.sim.play_options import PlayOptions
from crl_robot.sim.tasks import get_task
from crl_robot.sim.world import World


def play(settings: PlaySettings, *, progress: bool = True) -> Store:
    """Record until the store holds all of ``settings.episodes``; returns it.

    Raises:
        StoreError: the store exists and ``resume`` is off, holds other cameras or semantics, or cannot be written, or
            a recording process died.
        CameraError: a camera is unknown.
        ConfigError: the robot has no such task.
    """
    path = Path(settings.out)
    if path.exists() and not settings.resume:
        raise StoreError(f"{path} exists; add resume=true to continue it, or choose another out=")
    world = World(robot=robot(settings.robot))
    get_task(_scene_task(settings), world.robot)  # an unknown one, too
    for name in settings.camera_names:
        SimCamera(world, name)  # an unknown name is refused before a store is made
    store = Store.open_or_create(path, play_spec(settings))
    present = set(store.episode_ids())
    missing = [index for index in range(settings.episodes) if episode_id(settings, index) not in present]
    with progress_bar("recording", enabled=progress) as bar:
        total = settings.episodes * settings.steps
        task = bar.add_task("", total=total, completed=total - len(missing) * settings.steps)
        for frames in _record(settings, missing):
            bar.advance(task, frames)
    return store


def play_spec(settings: PlaySettings) -> StoreSpec:
    """What a store recorded with these settings declares."""
    cameras = {name: CameraSpec(encoding=settings.encoding) for name in settings.camera_names}
    recorded = robot(settings.robot)
    return StoreSpec(ActionSpec(), cameras, recorded.data_name, recorded.model.joint_names)


def episode_id(settings: PlaySettings, index: int) -> str:
    """Id of episode ``index``: what makes a resumed run skip it."""
    return f"{settings.task}-s{settings.seed}-{index:06d}"


def _scene_task(settings: PlaySettings) -> str:
    """The task whose starts are drawn; play begins like a push where the robot can push."""
    if settings.task != "play":
        return settings.task
    return "push" if "push" in robot(settings.robot).tick_limits else "reach"


class Player:
    """One simulated world that records episode after episode; each depends on its own seed only."""

    def __init__(self, settings: PlaySettings) -> None:
        self._settings = settings
        self._store = Store.open(settings.out)
        self._robot = robot(settings.robot)
        self._env = SimEnv(_scene_task(settings), cameras=settings.camera_names, robot=self._robot)

    def close(self) -> None:
        """Release the renderer."""
        self._env.close()

    def _actor(self, rng: np.random.Generator) -> Oracle:
        if self._settings.task == "play":
            return PlayPolicy(rng, PlayOptions(push_share=self._settings.push_share), self._robot)
        return oracle(self._settings.task)

    def record(self, index: int) -> int:
        """Record and commit episode ``index``; returns its number of steps."""
        settings, env = self._settings, self._env
        seed = (settings.seed, index)
        rng = np.random.default_rng(seed)
        options = {"task": settings.task, "push_share": settings.push_share}
        with EpisodeWriter(
            self._store, source=settings.task, episode_id=episode_id(settings, index), seed=seed, options=options
        ) as writer:
            observation = env.reset(rng)
            actor = self._actor(rng)
            for _ in range(settings.steps):
                truth = env.world.object_pose()
                action = Action(actor.act(env), observation.newest_stamp_ns)
                after = env.step(action)
                writer.add_step(observation, action, env.executed, truth)
                observation = after
            writer.commit(None if settings.task == "play" else env.success(), final=observation.arm)
        return settings.steps


def _record(settings: PlaySettings, indices: Sequence[int]) -> Iterator[int]:
    """Yield the steps of each recorded episode as it is committed."""
    if not indices:
        return
    if settings.workers == 1 or len(indices) < 2:
        with closing(Player(settings)) as player:
            yield from map(player.record, indices)
        return
    with _worker_pool(settings, min(settings.workers, len(indices))) as pool:
        try:
            for future in as_completed([pool.submit(_record_one, index) for index in indices]):
                yield future.result()
        except BrokenProcessPool as error:
            raise StoreError(
                f"a recording process died, for lack of memory perhaps; what was committed to {settings.out} is whole, "
                "continue with resume=true and fewer workers"
            ) from error


@contextmanager
def _worker_pool(settings: PlaySettings, workers: int) -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("spawn")  # a forked GL context does not work
    pool = ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(settings,))
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_player: Player | None = None


def _start_worker(settings: PlaySettings) -> None:
    global _player
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which lets running episodes finish
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    _player = Player(settings)


def _leave_with_parent() -> None:
    """A parent killed without warning cannot stop its workers; they would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _record_one(index: int) -> int:
    if _player is None:
        raise RuntimeError("the worker was not started by _start_worker")
    return _player.record(index)
