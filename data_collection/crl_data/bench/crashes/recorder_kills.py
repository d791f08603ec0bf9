"""kill -9 of the recorder node while it records over ROS; what it answered to the operator must hold afterwards.

Cameras show frames that are known, so that what was recorded can be compared with what was shown.
"""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crl_data.bench.crashes.verify import tree_hash
from crl_data.bench.record import RECORDER, bench_nodes
from crl_data.checking.check import DAMAGED, SOUND, check_store
from crl_data.checking.repair import repair_store
from crl_data.codec import encode_jpeg
from crl_data.siblings import leftovers, pending_folders, pending_id
from crl_data.store import Store
from crl_robot.errors import StoreError
from crl_robot.graph import Graph, GraphError, NodeCommand
from crl_robot.replay import load_frames

if TYPE_CHECKING:
    from crl_data.bench.nodes.record_client import RecordClient

CAMERAS = ("left", "right")
SIZE = (64, 48)
FPS = 30.0
FRAMES = 60
"""Different frames that each camera shows in turn, the default of its node."""
LONGEST_LIFE_S = 5.0
"""A recorder is killed at most so long after it was ready."""
EPISODE_S = (0.2, 1.2)

Row = dict[str, Any]


def why_no_recorder() -> str:
    """'' where ROS is installed, or the reason why the recorder cannot be run."""
    return "" if find_spec("rclpy") is not None else "rclpy is not installed"


@dataclass
class Told:
    """What the recorder answered: ids of episodes with the hash of their folders, by the state they reached."""

    committed: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)


def recorder_rows(kills: int, seed: int, folder: Path) -> Iterator[Row]:
    """Kill as many recorders, one after the other on one store. Raises GraphError when a node does not start."""
    rng, told = np.random.default_rng((seed, 6)), Told()
    folder.mkdir(parents=True)
    encoding = ("jpeg", "lossless")[seed % 2]
    *others, recorder = bench_nodes(folder, CAMERAS, SIZE, FPS, 100.0, encoding)
    path = folder / "record.zarr"
    with Graph(others, folder / "logs") as graph:
        for _ in range(kills):
            second = float(rng.uniform(0, LONGEST_LIFE_S))
            known = len(told.committed) + len(told.waiting)
            _record_until_killed(graph, recorder, folder, second, rng, told)
            row: Row = {"work": RECORDER, "encoding": encoding, "seed": seed, "second": round(second, 3)}
            episodes = len(told.committed) + len(told.waiting) - known
            yield row | {"exit_code": -signal.SIGKILL, "episodes": episodes} | _judge(path, told)
    yield {"work": "recorded frames", "encoding": encoding, "seed": seed} | _compare(path, folder, told)


def _record_until_killed(
    graph: Graph, recorder: NodeCommand, folder: Path, second: float, rng: np.random.Generator, told: Told
) -> None:
    from crl_data.bench.nodes.record_client import RecordClient

    with _running(graph, recorder, folder) as process:

        def check() -> None:
            graph.check()
            if process.poll() is not None:
                raise GraphError("the recorder has ended", process.returncode)

        with RecordClient(graph.env, check) as client:
            client.wait_until_ready()
            timer = threading.Timer(second, process.kill)
            timer.start()
            try:
                while True:
                    _record_one(client, folder / "record.zarr", float(rng.uniform(*EPISODE_S)), told)
            except GraphError as error:
                if error.exit_code != -signal.SIGKILL:
                    raise
            finally:
                timer.cancel()


@contextmanager
def _running(graph: Graph, recorder: NodeCommand, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "logs" / "recorder.log").open("ab") as log:
        process = subprocess.Popen(
            recorder.argv(), stdout=log, stderr=log, env=os.environ | graph.env, start_new_session=True
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _record_one(client: RecordClient, path: Path, seconds: float, told: Told) -> None:
    """One episode; each answer is a promise from the moment it comes."""
    client.start()
    end = time.monotonic() + seconds
    client.wait(lambda: time.monotonic() >= end, seconds + 10, "end of the episode")
    client.ask("stop")
    fresh = {
        pending_id(path, place): place for place in pending_folders(path) if pending_id(path, place) not in told.waiting
    }
    told.waiting |= {name: tree_hash(place) for name, place in fresh.items()}
    client.ask("accept")
    for name in fresh:
        del told.waiting[name]
        told.committed[name] = tree_hash(Store.open(path).folder(name))


def _judge(path: Path, told: Told) -> Row:
    """Is everything that was answered there, and do check and repair end as documented?"""
    problems: list[str] = []
    try:
        store = Store.open(path)
    except StoreError as error:
        row: Row = {"promised": len(told.committed), "lost": list(told.committed), "changed": []}
        return row | {"problems": [f"cannot be opened: {error}"]}
    visible, places = set(store.episode_ids()), {pending_id(path, place): place for place in pending_folders(path)}
    lost = sorted((set(told.committed) - visible) | (set(told.waiting) - visible - set(places)))
    now = {name: tree_hash(store.folder(name)) for name in told.committed if name in visible}
    now |= {name: tree_hash(places[name]) for name in told.waiting if name in places}
    changed = [name for name, digest in now.items() if digest != (told.committed | told.waiting)[name]]
    state = {"visible": len(visible), "waiting": len(places), "left_over": len(leftovers(path))}
    report = check_store(path, progress=False)
    problems += [f"check finds damage: {report.damage[0]}"] if report.exit_code == DAMAGED else []
    repair_store(path)
    after = check_store(path, progress=False).exit_code
    problems += [] if after == SOUND else [f"check gives {after} after repair"]
    promised = len(told.committed) + len(told.waiting)
    # An accept that was cut off after its rename, and a stop that was cut off after its own, are promises from now on.
    told.committed |= {name: tree_hash(store.folder(name)) for name in visible}
    told.waiting = {name: tree_hash(place) for name, place in places.items()}
    row = {"promised": promised, **state, "check": report.exit_code}
    return row | {"lost": lost, "changed": changed, "problems": problems}


def _compare(path: Path, folder: Path, told: Told) -> Row:
    """Accept what waits, and compare every recorded frame with the one that was shown at its stamp."""
    repair_store(path, "accept")
    store = Store.open(path)
    shown = _shown(folder)
    changed = [name for name in store.episode_ids() if not _as_shown(store, name, shown)]
    lost = sorted((set(told.committed) | set(told.waiting)) - set(store.episode_ids()))
    return {"promised": len(told.committed) + len(told.waiting), "lost": lost, "changed": changed, "problems": []}


def _shown(folder: Path) -> dict[str, Callable[[int], Any]]:
    """By camera: the frame that was shown at a stamp, None when there was none."""
    stamps: dict[str, list[int]] = {name: [] for name in CAMERAS}
    with (folder / "frames.csv").open(encoding="utf-8") as file:
        for camera, stamp in list(csv.reader(file))[1:]:
            stamps[camera].append(int(stamp))

    def lookup(camera: str, index: int) -> Callable[[int], Any]:
        frames = load_frames("noise", SIZE, FRAMES, index)
        order = {stamp: place for place, stamp in enumerate(stamps[camera])}
        return lambda stamp: frames[order[stamp] % len(frames)] if stamp in order else None

    return {camera: lookup(camera, index) for index, camera in enumerate(CAMERAS)}


def _as_shown(store: Store, episode: str, shown: dict[str, Callable[[int], Any]]) -> bool:
    for camera, track in store.read(episode).cameras.items():
        for stamp, data in zip(track.stamp_ns.tolist(), track.all_encoded(), strict=True):
            image = shown[camera](stamp)
            if image is None:
                return False
            if track.spec.encoding == "jpeg" and data != encode_jpeg(image, track.spec.quality):
                return False
            if track.spec.encoding == "lossless" and not np.array_equal(track.decode(0, data), image):
                return False
    return True
