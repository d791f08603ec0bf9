"""`crl-data play task=ogbench/...`: OGBench's data in a store, from its own files or made with its oracle policies."""

from __future__ import annotations

import datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.episode import STATE_ARRAY, EpisodeMeta
from crl_data.episode_file import EpisodeFile
from crl_data.ogbench.demonstrators import demonstrator
from crl_data.ogbench.environment import CAMERA, OgbenchEnvironment
from crl_data.ogbench.files import DataFile, Trajectory, data_file, download_advice
from crl_data.ogbench.settings import OgbenchSettings
from crl_data.progress import progress_bar
from crl_data.recording_pool import fill_store
from crl_data.schema import StoreMismatchError
from crl_data.store import Store
from crl_robot.errors import ConfigError, StoreError


def play_ogbench(settings: OgbenchSettings, *, progress: bool = True) -> Store:
    """Fill a store until it holds all of ``settings.episodes``; returns it.

    Raises:
        ConfigError: the package is missing, there is no such file, or no policy that makes such data.
        StoreError: the store exists and ``resume`` is off, holds something else or cannot be written, or the data file
            is damaged.
    """
    path = Path(settings.out)
    if path.exists() and not settings.resume:
        raise StoreError(f"{path} exists; add resume=true to continue it, or choose another out=")
    file = _chosen_file(settings)
    environment = OgbenchEnvironment(settings.name, collecting=file is None)
    if file is None:
        demonstrator(environment)  # refused before a store is made
    store = Store.open_or_create(path, environment.store_spec(settings.encoding))
    environment.close()
    if file is not None:
        _take_file(store, file, settings, progress)
        return store
    ids = [f"oracle-s{settings.seed}-{index:06d}" for index in range(settings.episodes)]
    steps = settings.steps or settings.name.steps
    fill_store(store, ids, partial(OraclePlayer, settings), steps, settings.workers, progress=progress)
    return store


class OraclePlayer:
    """One environment that records episode after episode of its demonstrator."""

    def __init__(self, settings: OgbenchSettings) -> None:
        self._settings = settings
        self._store = Store.open(settings.out)
        self._environment = OgbenchEnvironment(settings.name, collecting=True)
        self._demonstrator = demonstrator(self._environment)

    def close(self) -> None:
        """Release the renderer."""
        self._environment.close()

    def record(self, index: int) -> int:
        """Make and commit episode ``index``; returns its number of steps."""
        settings, attempt = self._settings, 0
        made = self._make(index, attempt)
        while not self._demonstrator.usable:
            attempt += 1
            made = self._make(index, attempt)
        meta = _meta(settings, "oracle", (settings.seed, index, attempt))
        _commit(self._store, f"oracle-s{settings.seed}-{index:06d}", made, meta)
        return len(made.observations)

    def _make(self, index: int, attempt: int) -> Trajectory:
        settings = self._settings
        drawn = np.random.SeedSequence([settings.seed, index, attempt]).generate_state(1)[0] >> 1
        observations, actions = [self._demonstrator.begin(int(drawn))], []
        for _ in range(settings.steps or settings.name.steps):
            action, observation = self._demonstrator.step()
            actions.append(action)
            observations.append(observation)
        return Trajectory(np.stack(observations[:-1]), np.stack(actions))


def _chosen_file(settings: OgbenchSettings) -> Path | None:
    """The data file to take, None to make data. Raises ConfigError when it is asked for and not there."""
    path = data_file(settings.name)
    if settings.source == "oracle" or (settings.source == "auto" and not path.exists()):
        if settings.episodes < 1:
            raise ConfigError(f"episodes={settings.episodes} means all of a data file, and {path} is not there")
        return None
    if not path.exists():
        raise ConfigError(
            f"source=file, but {path} is not there; {download_advice(settings.name)}, or use source=oracle"
        )
    return path


def _take_file(store: Store, path: Path, settings: OgbenchSettings, progress: bool) -> None:
    """Trajectories that the store has already are skipped."""
    file = DataFile(path)
    count = min(settings.episodes or len(file), len(file))
    with progress_bar("import", "episodes", enabled=progress) as bar:
        task = bar.add_task("import", total=count)
        present = set(store.episode_ids())
        for index, trajectory in enumerate(file.trajectories(count)):
            episode_id = f"file-{index:06d}"
            if episode_id not in present:
                _commit(store, episode_id, trajectory, _meta(settings, "file", ()))
            bar.advance(task)


def _meta(settings: OgbenchSettings, source: str, seed: tuple[int, ...]) -> EpisodeMeta:
    options = {"task": settings.task, "made_by": source, "ogbench": version("ogbench")}
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return EpisodeMeta(id="", source=f"ogbench {source}", created=created, seed=seed, clock="none", options=options)


def _commit(store: Store, episode_id: str, trajectory: Trajectory, meta: EpisodeMeta) -> None:
    arrays: dict[str, NDArray[Any]] = {"action_commanded": trajectory.actions}
    with EpisodeFile(store, episode_id) as file:
        if store.spec.state_names:
            arrays[STATE_ARRAY] = trajectory.observations.astype(np.float32)
        _require_fitting(store, trajectory)
        for image in trajectory.observations if CAMERA in store.spec.cameras else ():
            file.add_frame(CAMERA, image)
        file.commit(meta, arrays)


def _require_fitting(store: Store, trajectory: Trajectory) -> None:
    """Raises StoreMismatchError when a data file holds other observations or actions than its environment."""
    spec = store.spec
    expected = (len(spec.state_names),) if spec.state_names else spec.camera(CAMERA).shape
    got = trajectory.observations.shape[1:], trajectory.actions.shape[1:]
    if got != (expected, (len(spec.action.names),)):
        raise StoreMismatchError(
            f"the data file has observations and actions of shapes {got}, the environment {expected} and "
            f"{(len(spec.action.names),)}; it is the file of another data set: download it again"
        )
