"""A whole trajectory store as arrays: every observation once, so that next states and goals are only indices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from crl_robot.contracts import ACTION_DIM, ActionSpec
from crl_robot.errors import ContractError
from crl_robot.image_spec import ImageSpec

if TYPE_CHECKING:
    from crl_data.serving.cache_folder import FrameCache


@dataclass(frozen=True)
class TrajectoryData:
    """Observations and the actions taken there, trajectories end to end.

    Attributes:
        images: uint8 (N, H, W, 3) as the network sees them, in memory or a read-only np.memmap.
        actions: float32 (N, 7) in metres, radians and gripper opening.
        lengths: int64 (E,) observations per trajectory, N in total.
        image_spec, action_spec, labels: what images and actions mean.
        source, fingerprint: where the data come from, and a hash of their content.
        robot: name of the robot that moved, as stores give it; '' when it is not known.
        follows: bool (N,) whether the next observation of the trajectory came one period later, as
            `crl_data.gaps.valid_steps` tells; None where every one did.
    """

    images: NDArray[np.uint8]
    actions: NDArray[np.float32]
    lengths: NDArray[np.int64]
    image_spec: ImageSpec
    action_spec: ActionSpec
    labels: str = "commanded"
    source: str = ""
    fingerprint: str = ""
    robot: str = ""
    follows: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        total = int(self.lengths.sum())
        width, height = self.image_spec.size
        expected = {"images": (total, height, width, 3), "actions": (total, ACTION_DIM)}
        expected |= {} if self.follows is None else {"follows": (total,)}
        for name, shape in expected.items():
            got = getattr(self, name).shape
            if got != shape:
                raise ContractError(f"{name} have shape {got}, expected {shape} for trajectories of {total} steps")
        if not np.isfinite(self.actions).all():
            raise ContractError("actions hold values that are not finite; run 'crl-data check' on the store")

    @property
    def mapped(self) -> bool:
        """Whether the images are read from the disk when they are drawn, because they do not fit into memory."""
        return isinstance(self.images, np.memmap)

    @property
    def starts(self) -> NDArray[np.int64]:
        """(E,) index of the first observation of each trajectory."""
        return np.concatenate([[0], np.cumsum(self.lengths)[:-1]]).astype(np.int64)

    @property
    def gaps(self) -> int:
        """Steps that are no transition because time is missing after them."""
        if self.follows is None:
            return 0
        return int(len(self.follows) - self.follows.sum()) - len(self.lengths)


def frame_cache(where: str, gigabytes: float) -> FrameCache | None:
    """Where decoded images are kept: 'auto' (the user's cache folder), 'off' or a folder; at most so many GB."""
    from crl_data.serving.cache_folder import FrameCache, default_folder

    if where == "off":
        return None
    return FrameCache(default_folder() if where == "auto" else Path(where).expanduser(), int(gigabytes * 1e9))


def load_store(
    path: str | Path,
    image_spec: ImageSpec,
    labels: str = "commanded",
    cache: FrameCache | None = None,
    memory: bool | None = None,
) -> TrajectoryData:
    """Read all of a store; see `crl_data.serving.cache.load_frames` for ``cache`` and ``memory``.

    Raises:
        StoreError: it is missing, damaged or has no such camera, or its images fit neither memory nor cache.
    """
    from crl_data.gaps import load_valid_steps
    from crl_data.serving.cache import load_frames
    from crl_data.store import Store

    store = Store.open(path)
    images, lengths = load_frames(store, image_spec, cache=cache, memory=memory)
    return TrajectoryData(
        images,
        store.load_actions("achieved" if labels == "achieved" else "commanded"),
        lengths,
        image_spec,
        store.spec.action,
        labels,
        str(path),
        store.fingerprint(),
        store.spec.robot,
        load_valid_steps(store),
    )


@dataclass(frozen=True)
class Transitions:
    """The observations that have a future, and whose action took one period.

    Attributes:
        index: int64 (M,) position in the data.
        remaining: int64 (M,) how many observations of the same trajectory come later, at least 1.
    """

    index: torch.Tensor
    remaining: torch.Tensor

    def __len__(self) -> int:
        return len(self.index)


def transitions(data: TrajectoryData, trajectories: Sequence[int] | NDArray[np.int64]) -> Transitions:
    """All transitions of the given trajectories. Raises ContractError when there is none.

    A step before a gap is left out as a state: its achieved action is the motion of several periods, and its commanded
    one did not lead to what was seen next. What comes after the gap is still the future of the states before it.
    """
    spans = [(int(data.starts[e]), int(data.lengths[e])) for e in trajectories]
    none = np.zeros(0, np.int64)
    index = np.concatenate([none, *(np.arange(start, start + length - 1) for start, length in spans)])
    remaining = np.concatenate([none, *(np.arange(length - 1, 0, -1) for _, length in spans)])
    if data.follows is not None:
        kept = data.follows[index]
        index, remaining = index[kept], remaining[kept]
    if not len(index):
        raise ContractError(
            f"{len(spans)} trajectories hold no two observations in a row, so there is nothing to learn; record more"
        )
    return Transitions(torch.from_numpy(index), torch.from_numpy(remaining))


def split_trajectories(count: int, validation: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Training and validation trajectories, both sorted; at least one is held out if any part is and two exist."""
    held_out = min(round(count * validation) or int(validation > 0), count - 1)
    order = np.random.default_rng(seed).permutation(count)
    return np.sort(order[held_out:]), np.sort(order[:held_out])
