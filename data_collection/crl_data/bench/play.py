"""How fast play is recorded: frames a second of each core, and what the time goes into."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from crl_data.bench.machine import machine_facts, package_versions
from crl_data.play import play_spec, record_episode
from crl_data.play_parts import Part, play_parts
from crl_data.schema import CameraSpec, Encoding, StoreSpec
from crl_data.settings import PlaySettings
from crl_data.store import Store
from crl_data.writer import EpisodeWriter
from crl_robot.errors import ConfigError
from crl_robot.robots import WIDOWX
from crl_robot.sim.camera import NATIVE_SIZE, SimCamera
from crl_robot.sim.env import SimEnv
from crl_robot.sim.task import Oracle

T = TypeVar("T")

CAMERA = "over_shoulder"
WARM_UP_FRAMES = 20
PARTS = ("physics", "rendering", "writing", "control", "choosing")
"""World; drawing; JPEG and disk; controller with inverse kinematics and safety; the player's scripts."""


@dataclass(frozen=True)
class PlayBench:
    """What to measure: a kind of play, the square images' side in pixels, and how many processes for how long."""

    task: str = "play_kitchen"
    size: int = 128
    seconds: float = 30.0
    workers: int = 1
    encoding: Encoding = "jpeg"

    def __post_init__(self) -> None:
        for name, low, high in (("size", 16, NATIVE_SIZE[1]), ("seconds", 0, np.inf), ("workers", 1, 1024)):
            if not low <= getattr(self, name) <= high:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected {low} to {high}")


def run(bench: PlayBench, folder: Path | None = None) -> dict[str, Any]:
    """Record for ``bench.seconds`` in each process and throw the data away; flat facts.

    Args:
        bench: what to measure.
        folder: where to write; it decides which disk is measured. A temporary folder by default.

    Raises:
        ConfigError: there is no such kind of play.
    """
    play_parts(_settings(bench))
    with tempfile.TemporaryDirectory(dir=folder) as place:
        stores = [f"{place}/{number}.zarr" for number in range(bench.workers)]
        if bench.workers == 1:
            found = [_measure(bench, stores[0])]
        else:
            with ProcessPoolExecutor(bench.workers, get_context("spawn")) as pool:
                found = list(pool.map(_measure, itertools.repeat(bench), stores))
    frames, busy = sum(one["frames"] for one in found), sum(one["seconds"] for one in found)
    spent = {part: sum(one[part] for one in found) for part in PARTS}
    return {
        "task": bench.task,
        "image": f"{bench.size}x{bench.size}",
        "encoding": bench.encoding,
        "workers": bench.workers,
        "frames": frames,
        "seconds": round(busy / bench.workers, 3),
        "frames_per_s_per_core": frames / busy,
        "frames_per_s": frames * bench.workers / busy,
        "times_real_time": frames / busy / play_spec(_settings(bench)).action.rate_hz,
        "ms_per_frame": 1e3 * busy / frames,
        **{f"{part}_share": spent[part] / busy for part in PARTS},
        **machine_facts(),
        "versions": package_versions(["mujoco", "numpy", "zarr", "opencv-python"]),
    }


class _Watch:
    """Adds up the time spent within wrapped functions; what is timed within another counts for the inner one only."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._inner = [0.0]

    def timed(self, part: str, function: Callable[..., T]) -> Callable[..., T]:
        """The same function, with its time added to ``part``."""

        def call(*args: Any, **kwargs: Any) -> T:
            self._inner.append(0.0)
            started = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                taken = time.perf_counter() - started
                self.spent[part] += taken - self._inner.pop()
                self._inner[-1] += taken

        return call


def _settings(bench: PlayBench) -> PlaySettings:
    return PlaySettings(out="-", task=bench.task, encoding=bench.encoding)


def _measure(bench: PlayBench, path: str) -> dict[str, float]:
    usual = play_spec(_settings(bench))
    camera = CameraSpec((bench.size, bench.size), bench.encoding)
    store = Store.create(Path(path), StoreSpec(usual.action, {CAMERA: camera}, usual.robot, usual.joint_names))
    part = play_parts(_settings(bench))[0]
    with closing(SimEnv(part.task, cameras=(), robot=WIDOWX)) as env:
        env.cameras[CAMERA] = SimCamera(env.world, CAMERA, camera.native)
        _record(store, env, replace(part, steps=WARM_UP_FRAMES), _Watch(), 0)
        watch, frames, started = _watched(env), 0, time.perf_counter()
        while frames == 0 or time.perf_counter() - started < bench.seconds:
            frames += _record(store, env, part, watch, 1 + frames // part.steps)
        seconds = time.perf_counter() - started
    return {"frames": frames, "seconds": seconds, **{name: watch.spent[name] for name in PARTS}}


def _watched(env: SimEnv) -> _Watch:
    """A watch on what an environment does."""
    watch, camera = _Watch(), env.cameras[CAMERA]
    env.world.step_inner = watch.timed("physics", env.world.step_inner)
    camera.read = watch.timed("rendering", camera.read)
    env.reset, env.step = watch.timed("control", env.reset), watch.timed("control", env.step)
    return watch


def _record(store: Store, env: SimEnv, part: Part, watch: _Watch, episode: int) -> int:
    """One episode, with its writer and its player watched, too; returns its frames."""

    def actor(rng: np.random.Generator) -> Oracle:
        made = part.actor(rng)
        made.act = watch.timed("choosing", made.act)
        return made

    names = {"objects": list(env.world.objects), "slides": list(env.world.slides)}
    with EpisodeWriter(store, source=part.source, episode_id=f"e{episode}", options=names) as writer:
        writer.add_step = watch.timed("writing", writer.add_step)
        writer.commit = watch.timed("writing", writer.commit)
        record_episode(writer, env, replace(part, actor=actor), np.random.default_rng((0, episode)))
    return part.steps
