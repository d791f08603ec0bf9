"""Scripted play in simulation, written into a store: one seed per episode, any number of processes, resumable."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from crl_data.play_parts import Part, play_parts
from crl_data.recording_pool import fill_store
from crl_data.rows import SceneTruth
from crl_data.schema import CameraSpec, StoreSpec
from crl_data.settings import PlaySettings
from crl_data.store import Store
from crl_data.writer import EpisodeWriter
from crl_robot.contracts import Action, ActionSpec, Pose
from crl_robot.errors import ConfigError, StoreError
from crl_robot.robots import robot
from crl_robot.sim.camera import SimCamera
from crl_robot.sim.env import SimEnv
from crl_robot.sim.play_options import EVERYTHING
from crl_robot.sim.randomisation import Draw
from crl_robot.sim.state_numbers import state_names, state_numbers
from crl_robot.sim.world import World


def play(settings: PlaySettings, *, progress: bool = True) -> Store:
    """Record until the store holds all of ``settings.episodes``; returns it.

    Raises:
        StoreError: the store exists and ``resume`` is off, holds other cameras or semantics, or cannot be written, or
            a recording process died.
        CameraError: a camera is unknown.
        ConfigError: the robot has no such task or scene.
    """
    path = Path(settings.out)
    if path.exists() and not settings.resume:
        raise StoreError(f"{path} exists; add resume=true to continue it, or choose another out=")
    parts = play_parts(settings)
    world = World(robot=robot(settings.robot), scene=parts[0].task.scene)
    for name in settings.camera_names:
        SimCamera(world, name)  # an unknown name is refused before a store is made
    store = Store.open_or_create(path, play_spec(settings))
    ids = [episode_id(settings, index) for index in range(settings.episodes)]
    steps = round(sum(part.steps for part in parts) / len(parts))
    fill_store(store, ids, partial(Player, settings), steps, settings.workers, progress=progress)
    return store


def play_spec(settings: PlaySettings) -> StoreSpec:
    """What a store recorded with these settings declares."""
    cameras = {name: CameraSpec(encoding=settings.encoding) for name in settings.camera_names}
    recorded = robot(settings.robot)
    names: tuple[str, ...] = ()
    if settings.states:
        cameras, names = {}, state_names(World(robot=recorded, scene=_only_scene(settings)))
    return StoreSpec(ActionSpec(), cameras, recorded.data_name, recorded.model.joint_names, state_names=names)


def episode_id(settings: PlaySettings, index: int) -> str:
    """Id of episode ``index``: what makes a resumed run skip it."""
    demonstrations = settings.demonstrates and settings.task == EVERYTHING
    source = f"{settings.task}-oracle" if demonstrations else settings.task
    return f"{source}-s{settings.seed}-{index:06d}"


class Player:
    """Simulated worlds that record episode after episode; each depends on its own seed only."""

    def __init__(self, settings: PlaySettings) -> None:
        self._settings = settings
        self._store = Store.open(settings.out)
        self._parts = play_parts(settings)
        self._envs: dict[str, SimEnv] = {}

    def close(self) -> None:
        """Release the renderers."""
        for env in self._envs.values():
            env.close()

    def record(self, index: int) -> int:
        """Record and commit episode ``index``; returns its number of steps."""
        settings, part = self._settings, self._parts[index % len(self._parts)]
        env, seed = self._env(part), (settings.seed, index)
        rng, draw = np.random.default_rng(seed), self._draw(seed)
        with EpisodeWriter(
            self._store,
            source=part.source,
            episode_id=episode_id(settings, index),
            seed=seed,
            options=self._options(part, env, draw),
        ) as writer:
            record_episode(writer, env, part, rng, draw)
        return part.steps

    def _env(self, part: Part) -> SimEnv:
        if part.source not in self._envs:
            settings = self._settings
            self._envs[part.source] = SimEnv(
                part.task,
                cameras=() if settings.states else settings.camera_names,
                robot=robot(settings.robot),
                decorated=settings.randomisation.decorated,
            )
        return self._envs[part.source]

    def _draw(self, seed: tuple[int, int]) -> Draw | None:
        ranges = self._settings.randomisation
        return ranges.draw(seed) if ranges.groups else None

    def _options(self, part: Part, env: SimEnv, draw: Draw | None) -> dict[str, Any]:
        options: dict[str, Any] = {"task": part.source, "push_share": self._settings.push_share}
        if not _one_object(env):
            options |= {"scene": part.task.scene, "objects": list(env.world.objects), "slides": list(env.world.slides)}
        if draw is not None:
            options |= {"randomisation": self._settings.randomisation.to_dict(), "world": draw.to_dict()}
        return options


def record_episode(
    writer: EpisodeWriter, env: SimEnv, part: Part, rng: np.random.Generator, draw: Draw | None = None
) -> None:
    """Play one episode into ``writer`` and commit it; ``rng`` draws its start and everything the player does."""
    observation = env.reset(rng, draw)
    actor = part.actor(rng)
    for _ in range(part.steps):
        truth, state = scene_truth(env), None if env.cameras else state_numbers(env)
        stamp_ns = observation.newest_stamp_ns if env.cameras else observation.stamp_ns
        action = Action(actor.act(env), stamp_ns)
        after = env.step(action)
        writer.add_step(observation, action, env.executed, truth, state)
        observation = after
    writer.commit(env.success() if part.judged else None, final=observation.arm)


def _only_scene(settings: PlaySettings) -> str:
    """Raises ConfigError where episodes take place in several scenes, whose states have other numbers."""
    scenes = sorted({part.task.scene for part in play_parts(settings)})
    if len(scenes) > 1:
        raise ConfigError(f"states=true needs one scene, task={settings.task} has {', '.join(scenes)}; name one task")
    return scenes[0]


def scene_truth(env: SimEnv) -> Pose | SceneTruth:
    """Where everything that can be moved is now; one pose in a scene with one object."""
    world = env.world
    if _one_object(env):
        return world.object_pose()
    return SceneTruth(tuple(map(world.object_pose, world.objects)), tuple(map(world.slide, world.slides)))


def _one_object(env: SimEnv) -> bool:
    return len(env.world.objects) == 1 and not env.world.slides
