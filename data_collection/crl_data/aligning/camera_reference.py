"""What a store knows of a camera's place: the pictures that `crl-data align` compares a live view with."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crl_data.aligning.align import Reference
from crl_data.store import Store
from crl_robot.errors import StoreError

MAX_EPISODES = 24
_MAX_PIXELS = 32_000_000
"""Of all frames that are held at a time."""
_SHARES = (0.0, 0.5, 1.0)
"""Where in an episode a frame is taken, so that the arm is mostly somewhere else."""


@dataclass(frozen=True)
class CameraReference:
    """A camera as the data show it.

    Attributes:
        reference: what stands still in frames of whole episodes.
        first: uint8 (H, W, 3) RGB, the median of the first frames of the episodes.
        start_pose: whether the reference holds only with the arm in its start pose, as for a camera on the arm.
    """

    reference: Reference
    first: NDArray[np.uint8]
    start_pose: bool


def camera_reference(store: Store, camera: str) -> CameraReference:
    """Look at frames of up to MAX_EPISODES episodes, spread evenly over the store; damaged ones are left out.

    Raises:
        StoreError: there is no such camera or no readable frame, or the first frames of the episodes differ all over:
            then the camera or the start pose of the arm was never the same.
    """
    width, height = store.spec.camera(camera).native
    most = max(1, min(MAX_EPISODES, _MAX_PIXELS // (width * height * len(_SHARES))))
    frames = _frames(store, camera, most)
    first = Reference.of([episode[0] for episode in frames])
    whole = Reference.of(itertools.chain.from_iterable(frames))
    if whole.steady:
        return CameraReference(whole, first.picture, False)
    if len(frames) == 1 or not first.steady:
        raise StoreError(
            f"camera '{camera}' of {store.path} has no fixed view: its frames differ all over, within and between "
            f"{len(frames)} episodes; align works for cameras that stand still, or on an arm that starts from one pose"
        )
    return CameraReference(first, first.picture, True)


def _frames(store: Store, camera: str, most: int) -> list[list[NDArray[np.uint8]]]:
    """Frames of each chosen episode that can be read, its first one first."""
    ids = store.episode_ids()
    chosen = [ids[i] for i in np.unique(np.linspace(0, len(ids) - 1, most).round().astype(int))] if ids else []
    found, damaged = [], None
    for episode_id in chosen:
        try:
            track = store.track(store.meta(episode_id), camera)
            steps = sorted({round(share * (len(track) - 1)) for share in _SHARES})
            found.append([track.frame(step) for step in steps])
        except StoreError as error:
            damaged = error
    if not found:
        raise StoreError(f"{store.path} has no frame of '{camera}' to compare with") from damaged
    return found
