"""Makes the folder `planner/` of a checkpoint from a store: `crl-run waypoints`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.store import Store
from crl_learning.goal_policy import GoalPolicy
from crl_learning.goals.reference import FrameName, small
from crl_learning.planning.chain import ChainSettings, train_chain
from crl_learning.planning.export import PlannerExport, save_planner
from crl_learning.planning.frames import Frames, frame_count, spread_out
from crl_learning.planning.graph import short_edges
from crl_learning.planning.loading import require_calibration
from crl_learning.planning.ticks import all_ticks, critic_ticks
from crl_learning.progress.held_out import load_seen
from crl_learning.progress.reference_data import spread_episodes
from crl_learning.views import Views
from crl_robot.errors import ConfigError, StoreError

ENCODED = 512
"""Images at a time."""


@dataclass(frozen=True)
class MapSettings:
    """How a map is made.

    Attributes:
        frames: how many are kept, fewer where they are large.
        longest: ticks of the longest edge; critics are right about what is near.
        chain: how the encoder of the interpolation is learned.
    """

    frames: int = 300
    longest: float = 12.0
    chain: ChainSettings = field(default_factory=ChainSettings)

    def __post_init__(self) -> None:
        if not self.longest > 0:
            raise ConfigError(f"the longest edge is {self.longest} ticks, expected more than 0")


def build_planner(
    checkpoint: Path,
    store: Path,
    settings: MapSettings | None = None,
    on_part: Callable[[str, float], Callable[[], None]] = lambda name, total: lambda: None,
) -> dict[str, Any]:
    """Choose frames of a store, measure the ways between them, learn the chain, and write it all beside the networks.

    Args:
        on_part: told the name and the length of each long part; gives what is called at each step of it.

    Returns:
        Facts of the map.

    Raises:
        CheckpointError: the checkpoint cannot be used or is not calibrated.
        StoreError: the store is damaged, empty, or lacks a camera.
    """
    settings = settings or MapSettings()
    policy, calibration = GoalPolicy.load(checkpoint), require_calibration(checkpoint)
    source = Store.open(store)
    ids = spread_episodes(source.episode_ids())
    if not ids:
        raise StoreError(f"{store} has no episodes, expected some that show all the ways there are; record more")
    images, lengths = load_seen(source, policy.views, ids)
    names = [FrameName(name, step) for name, n in zip(ids, lengths, strict=True) for step in range(int(n))]
    features = _features(policy, images)
    frames = _choose(images, names, _looks(policy.views, images) if features is None else features, settings.frames)
    measured = all_ticks(critic_ticks(policy, calibration), frames.images, on_part("ways between frames", len(frames)))
    edges = short_edges(measured, settings.longest)
    facts: dict[str, Any] = {"store": str(store), "fingerprint": source.fingerprint(ids), "episodes": len(ids)}
    facts |= {"frames": len(frames), "edges": len(edges.tail), "longest_ticks": settings.longest}
    chain, spread = None, 0.0
    if features is not None:
        on_step = on_part("encoder of the interpolation", settings.chain.steps)
        chain, learned = train_chain(features, lengths, settings.chain, on_step)
        spread = settings.chain.spread
        facts |= {f"chain_{name}": value for name, value in learned.items()}
    folder = save_planner(checkpoint, calibration, PlannerExport(frames, edges, chain, spread, facts))
    return {"folder": str(folder), **facts, "interpolation": chain is not None}


def _choose(
    images: NDArray[np.uint8], names: Sequence[FrameName], features: NDArray[np.float32], wanted: int
) -> Frames:
    chosen = spread_out(features, frame_count(wanted, images[0].shape))
    return Frames(np.ascontiguousarray(images[chosen]), tuple(names[i] for i in chosen))


def _features(policy: GoalPolicy, images: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """(N, F); None for networks that see no single images."""
    if not policy.encodes:
        return None
    return np.concatenate([policy.encode(images[i : i + ENCODED]) for i in range(0, len(images), ENCODED)])


def _looks(views: Views, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Grey levels (N, P) of all cameras."""
    return np.stack([np.concatenate([small(one) for one in views.split(image).values()]) for image in images])
