"""What calibration takes from a store besides the progress signal: frames to compare goals with, the camera's view, and
where the tool was."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crl_data.aligning.align import Reference as CameraReference
from crl_data.aligning.camera_reference import camera_reference
from crl_data.store import Store
from crl_learning.goal_policy import GoalPolicy
from crl_learning.goals.quality import quality
from crl_learning.goals.reference import FrameName, Reference, choose_reference
from crl_learning.progress.held_out import HeldOut
from crl_robot.errors import StoreError

MAX_EPISODES = 150
REFERENCE_FRAMES = 96
MIN_EPISODES = 10
HELD_OUT_PART = 0.4
"""Of the episodes, where nobody says which of them the networks have not learned from."""


def split_episodes(store: Store, held_out: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """Episodes that the reference is taken from, and those that are held out; at most MAX_EPISODES each."""
    ids = store.episode_ids()
    if held_out is None:
        order = np.random.default_rng(0).permutation(len(ids))
        cut = max(1, round(HELD_OUT_PART * len(ids)))
        held_out = [ids[i] for i in sorted(order[:cut])]
    learned = [episode for episode in ids if episode not in set(held_out)]
    if len(ids) < MIN_EPISODES or not learned:
        raise StoreError(
            f"{store.path} has {len(ids)} episodes, {len(held_out)} of them held out; expected at least {MIN_EPISODES} "
            "and some that are not: record more"
        )
    return spread_episodes(learned), spread_episodes(list(held_out))


def spread_episodes(ids: list[str]) -> list[str]:
    """At most MAX_EPISODES of them, from the first to the last."""
    chosen = np.unique(np.linspace(0, len(ids) - 1, min(MAX_EPISODES, len(ids))).round().astype(int))
    return [ids[i] for i in chosen]


def reference_frames(store: Store, policy: GoalPolicy, learned: list[str], data: HeldOut) -> Reference:
    """Frames of the first camera as the network sees them; held-out data say what distance is usual."""
    images, lengths = store.load_images(policy.image_spec, learned, progress=False)
    names = [FrameName(name, step) for name, n in zip(learned, lengths, strict=True) for step in range(int(n))]
    rows = np.unique(np.linspace(0, len(images) - 1, min(4000, len(images))).round().astype(int))
    held = np.ascontiguousarray(data.images[:: max(1, len(data.images) // 1000), ..., :3])
    sharpness = float(np.quantile([quality(image).sharpness for image in held], 0.01))
    return choose_reference(images[rows], [names[i] for i in rows], held, REFERENCE_FRAMES, sharpness)


def camera_view(store: Store, camera: str) -> CameraReference | None:
    """What stood still before a camera; None where its view was never the same."""
    try:
        found = camera_reference(store, camera)
    except StoreError:  # there is nothing to align with
        return None
    return None if found.start_pose else found.reference


def tool_range(data: HeldOut) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    """Where the tool was in 99 % of the steps: lowest and highest (3,) m; None where the data know no tool."""
    if not data.tool.shape[1]:
        return None, None
    low, high = np.quantile(data.tool, [0.005, 0.995], axis=0)
    return low, high


def start_joints(store: Store, ids: list[str]) -> tuple[float, ...] | None:
    """Joints (N,) in rad of the most usual beginning of these episodes; None where the store knows no joints.

    It is the beginning that is nearest to all others, so a pose in which the arm has really been.
    """
    if not store.spec.joint_names:
        return None
    first = np.stack([joints[0] for joints in store.episode_arrays("joints", ids)])
    apart = np.linalg.norm(first[:, None] - first[None], axis=-1).sum(1)
    return tuple(float(joint) for joint in first[int(apart.argmin())])
