"""A whole trajectory store as arrays: every observation once, so that next states and goals are only indices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from crl_robot.contracts import ActionSpec
from crl_robot.errors import ContractError
from crl_robot.image_spec import ImageSpec


def starts_of(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """(E,) index of the first of each trajectory's observations, which lie end to end."""
    return np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)


@dataclass(frozen=True)
class TrajectoryData:
    """Observations and the actions taken there, trajectories end to end.

    Attributes:
        images: uint8 (N, H, W, 3 * cameras) as the network sees them, in memory or a read-only np.memmap; of data
            without images the states of their environment, float32 (N, D).
        actions: float32 (N, A) in the units of ``action_spec``.
        lengths: int64 (E,) observations per trajectory, N in total.
        image_spec, action_spec, labels: what images and actions mean; no image spec where there are only states.
        source, fingerprint: where the data come from, and a hash of their content.
        robot: name of the robot that moved, as stores give it; '' when it is not known.
        follows: bool (N,) whether the next observation of the trajectory came one period later, as
            `crl_data.gaps.valid_steps` tells; None where every one did.
        proprio: float32 (N, P) state of the arm, normalised; None where it is not learned from.
        episodes: ids (E,) of the trajectories in the store; empty where they come from none.
    """

    images: NDArray[Any]
    actions: NDArray[np.float32]
    lengths: NDArray[np.int64]
    image_spec: ImageSpec | None
    action_spec: ActionSpec
    labels: str = "commanded"
    source: str = ""
    fingerprint: str = ""
    robot: str = ""
    follows: NDArray[np.bool_] | None = None
    proprio: NDArray[np.float32] | None = None
    episodes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        total = int(self.lengths.sum())
        expected = {"images": self._image_shape(total), "actions": (total, len(self.action_spec.names))}
        expected |= {} if self.follows is None else {"follows": (total,)}
        expected |= {} if self.proprio is None else {"proprio": (total, *(self.proprio.shape[1:2] or (1,)))}
        for name, shape in expected.items():
            got = getattr(self, name).shape
            if got != shape:
                raise ContractError(f"{name} have shape {got}, expected {shape} for trajectories of {total} steps")
        seen, dtype = ("states", "float32") if self.image_spec is None else ("images", "uint8")
        if self.images.dtype != dtype:
            raise ContractError(f"{seen} of {self._name} are {self.images.dtype}, expected {dtype}; convert them")
        self._require_finite("actions", self.actions)
        if self.image_spec is None:
            self._require_finite("states", self.images)
        if self.proprio is not None:
            self._require_finite("proprio", self.proprio)

    def _image_shape(self, total: int) -> tuple[int, ...]:
        """Of as many cameras, or numbers of a state, as there are."""
        last = self.images.shape[-1]
        if self.image_spec is None:
            return total, last
        width, height = self.image_spec.size
        return total, height, width, max(3, last - last % 3)

    def _require_finite(self, name: str, values: NDArray[Any]) -> None:
        """Raises ContractError naming the trajectory and its step."""
        if np.isfinite(values).all():
            return
        row = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        trajectory = int(np.searchsorted(self.starts, row, side="right")) - 1
        raise ContractError(
            f"{name} of {self._name} are not finite: step {row - int(self.starts[trajectory])} of "
            f"trajectory {trajectory} has {values[row].tolist()}; run 'crl-data check' on the store"
        )

    @property
    def _name(self) -> str:
        return self.source or "the data"

    @property
    def size(self) -> tuple[int, ...]:
        """(width, height) of the images, or (D,) of the states, as the networks are built for."""
        return self.images.shape[1:] if self.image_spec is None else self.image_spec.size

    @property
    def mapped(self) -> bool:
        """Whether the images are read from the disk when they are drawn, because they do not fit into memory."""
        return isinstance(self.images, np.memmap)

    @property
    def starts(self) -> NDArray[np.int64]:
        """(E,) index of the first observation of each trajectory."""
        return starts_of(self.lengths)

    @property
    def gaps(self) -> int:
        """Steps that are no transition because time is missing after them."""
        if self.follows is None:
            return 0
        return int(len(self.follows) - self.follows.sum()) - len(self.lengths)


@dataclass(frozen=True)
class Transitions:
    """The observations that have a future, and whose action took one period.

    Attributes:
        index: int64 (M,) position in the data.
        remaining: int64 (M,) how many observations of the same trajectory come later, at least 1.
        run: int64 (M,) how many transitions follow each other from there on, up to a gap or the end; by default
            there are no gaps.
        observations: int64 (O,) all observations of these trajectories, which random goals are drawn from.
    """

    index: torch.Tensor
    remaining: torch.Tensor
    run: torch.Tensor = None  # pyright: ignore[reportAssignmentType] - set below
    observations: torch.Tensor = None  # pyright: ignore[reportAssignmentType]

    def __post_init__(self) -> None:
        if self.run is None:
            object.__setattr__(self, "run", self.remaining)
        if self.observations is None:
            object.__setattr__(self, "observations", torch.cat([self.index, self.index + self.remaining]).unique())

    def __len__(self) -> int:
        return len(self.index)

    def to(self, device: torch.device) -> Transitions:
        """The same on another device."""
        tensors = (self.index, self.remaining, self.run, self.observations)
        return Transitions(*(tensor.to(device) for tensor in tensors))


def transitions(data: TrajectoryData, trajectories: Sequence[int] | NDArray[np.int64]) -> Transitions:
    """All transitions of the given trajectories. Raises ContractError when there is none.

    A step before a gap is left out as a state: its achieved action is the motion of several periods, and its commanded
    one did not lead to what was seen next. What comes after the gap is still the future of the states before it.
    """
    spans = [(int(data.starts[e]), int(data.lengths[e])) for e in trajectories]
    none = np.zeros(0, np.int64)
    index = np.concatenate([none, *(np.arange(start, start + length - 1) for start, length in spans)])
    remaining = np.concatenate([none, *(np.arange(length - 1, 0, -1) for _, length in spans)])
    observations = np.concatenate([none, *(np.arange(start, start + length) for start, length in spans)])
    run = remaining
    if data.follows is not None:
        kept = data.follows[index]
        run = _until_gap(index, remaining, kept)[kept]
        index, remaining = index[kept], remaining[kept]
    if not len(index):
        raise ContractError(
            f"{len(spans)} trajectories hold no two observations in a row, so there is nothing to learn; record more"
        )
    return Transitions(*(torch.from_numpy(array) for array in (index, remaining, run, observations)))


def _until_gap(index: NDArray[np.int64], remaining: NDArray[np.int64], follows: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many transitions in a row begin at each row; 0 before a gap. All (M,)."""
    ends = np.append(index[~follows], np.iinfo(np.int64).max)
    return np.minimum(remaining, ends[np.searchsorted(ends, index)] - index)


def usable_trajectories(data: TrajectoryData) -> NDArray[np.bool_]:
    """(E,) which have a transition: two observations, one period apart."""
    steps = np.ones(len(data.actions), bool) if data.follows is None else data.follows.copy()
    steps[data.starts[data.lengths > 0] + data.lengths[data.lengths > 0] - 1] = False
    before = np.concatenate([[0], np.cumsum(steps)])
    return before[data.starts + data.lengths] > before[data.starts]


def split_trajectories(
    usable: NDArray[np.bool_], validation: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Training and validation trajectories, both sorted, none in both.

    A part of the ``usable`` (E,) is held out, at least one if any part is and two exist. All others are trained on: one
    without a transition still gives random goals.
    """
    count = int(usable.sum())
    number = max(0, min(round(count * validation) or int(validation > 0), count - 1))
    order = np.random.default_rng(seed).permutation(len(usable))
    held_out = order[usable[order]][:number]
    return np.setdiff1d(order, held_out), np.sort(held_out)
