"""Trajectories that the networks have not learned from, with what is known of the scene: what calibration looks at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from crl_data.store import Store
from crl_learning.dataset import starts_of
from crl_learning.views import Views
from crl_robot.errors import ConfigError, StoreError

_TRUTHS = ("truth_objects", "truth_object", "truth_slides")


@dataclass(frozen=True)
class Tolerance:
    """What counts as being at a goal: the tool within ``tool_m``, and all objects and drawers within ``object_m``."""

    tool_m: float = 0.02
    object_m: float = 0.05

    def __post_init__(self) -> None:
        if not (self.tool_m > 0 and self.object_m > 0):
            raise ConfigError(f"tolerances are {self.tool_m} and {self.object_m} m, expected distances above 0")


@dataclass(frozen=True)
class HeldOut:
    """Trajectories end to end.

    Attributes:
        images: uint8 (N, h, w, 3 * cameras) as the network sees them.
        lengths: int64 (E,) steps of each trajectory.
        tool: float64 (N, 3) m, or (N, 0) where the data do not know it.
        scene: float64 (N, P) m, positions of objects and drawers; (N, 0) in real data.
        tolerance: what counts as being at a goal.
    """

    images: NDArray[np.uint8]
    lengths: NDArray[np.int64]
    tool: NDArray[np.float64]
    scene: NDArray[np.float64]
    tolerance: Tolerance = field(default_factory=Tolerance)

    @property
    def starts(self) -> NDArray[np.int64]:
        """(E,) first step of each trajectory."""
        return starts_of(self.lengths)

    @property
    def knows_objects(self) -> bool:
        """Whether 'the arm is right, the object is wrong' can be told."""
        return self.scene.shape[1] > 0

    @property
    def trajectory(self) -> NDArray[np.int64]:
        """(N,) number of the trajectory that each step belongs to."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    def tool_apart(self, states: NDArray[np.int64], goals: NDArray[np.int64]) -> NDArray[np.float64]:
        """Distance (n,) of the tools over what is tolerated; 0 where the data know no tool."""
        return np.linalg.norm(self.tool[states] - self.tool[goals], axis=-1) / self.tolerance.tool_m

    def objects_apart(self, states: NDArray[np.int64], goals: NDArray[np.int64]) -> NDArray[np.float64]:
        """Largest distance (n,) of any object or drawer along any axis over what is tolerated; 0 without objects."""
        apart = np.abs(self.scene[states] - self.scene[goals]) / self.tolerance.object_m
        return apart.max(-1, initial=0.0)

    def near(self, states: NDArray[np.int64], goals: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether states are where goals are, (n,) each; what the data do not know is taken to fit."""
        return (self.tool_apart(states, goals) <= 1) & (self.objects_apart(states, goals) <= 1)

    def almost(self, goal: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """States that are just not at a goal: what is hardest to tell from having reached it.

        Up to ``count`` of the goal's own trajectory with the tool once to twice as far as tolerated and the objects in
        place, and as many of other trajectories that look right for the arm, with the objects least out of place.
        """
        states = np.arange(len(self.images))
        goals = np.full(len(states), goal)
        tool, objects = self.tool_apart(states, goals), self.objects_apart(states, goals)
        own = self.trajectory == self.trajectory[goal]
        on_the_way = np.flatnonzero(own & (objects <= 1) & (tool > 1) & (tool <= 2))
        wrong = np.flatnonzero(~own & (objects > 1) & (tool <= 2))
        chosen = rng.choice(on_the_way, min(count, len(on_the_way)), replace=False)
        return np.concatenate([chosen, wrong[np.argsort(objects[wrong])[:count]]]).astype(np.int64)


def load_held_out(store: Store, views: Views, ids: Sequence[str], tolerance: Tolerance | None = None) -> HeldOut:
    """Read trajectories of a store. Raises StoreError."""
    if not ids:
        raise StoreError(f"{store.path} has no episodes left to calibrate with; give a store with at least 10")
    images, lengths = load_seen(store, views, ids)
    total = len(images)
    tool = _array(store, "tool_measured", ids)
    scene = _array_of_scene(store, ids)
    nothing = np.zeros((total, 0))
    return HeldOut(
        images,
        lengths,
        nothing if tool is None else tool[:, :3],
        nothing if scene is None else scene,
        tolerance or Tolerance(),
    )


def segments(data: HeldOut, count: int, horizon: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Stretches (n,) of up to ``horizon`` steps and a goal behind them, of ``count`` goals drawn uniformly."""
    long_enough = np.flatnonzero(data.lengths >= 3)
    if not len(long_enough):
        raise StoreError("no trajectory has three steps; give a store with longer episodes")
    for trajectory in rng.choice(long_enough, count):
        start, goal = int(data.starts[trajectory]), int(rng.integers(2, data.lengths[trajectory]))
        yield np.arange(start + max(0, goal - horizon), start + goal + 1)


def load_seen(store: Store, views: Views, ids: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pictures uint8 (N, h, w, 3 * cameras) as the network sees them, and lengths (E,). Raises StoreError."""
    specs = [replace(views.spec, camera=camera) for camera in views.cameras]
    parts = [store.load_images(spec, ids, progress=False) for spec in specs]
    images = [images for images, _ in parts]
    return images[0] if len(images) == 1 else np.concatenate(images, axis=-1), parts[0][1]


def _array_of_scene(store: Store, ids: Sequence[str]) -> NDArray[np.float64] | None:
    """Positions of everything that can be moved, (N, P); None where no episode tells."""
    parts = []
    for name in _TRUTHS:
        array = _array(store, name, ids)
        if array is not None and not (name == "truth_object" and parts):
            positions = array[..., :3] if name != "truth_slides" else array
            parts.append(positions.reshape(len(array), -1))
    return np.concatenate(parts, axis=1) if parts else None


def _array(store: Store, name: str, ids: Sequence[str]) -> NDArray[np.float64] | None:
    """One array of the given episodes, end to end; None where one of them has none."""
    if any(name not in store.meta(episode).checksums for episode in ids):
        return None
    return np.asarray(store.load_array(name, ids), np.float64)
