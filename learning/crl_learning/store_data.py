"""A trajectory store as the arrays that training draws from."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crl_learning.config import TrainConfig
from crl_learning.dataset import TrajectoryData
from crl_learning.proprio import arm_numbers
from crl_robot.errors import ConfigError, StoreError
from crl_robot.image_spec import ImageSpec

if TYPE_CHECKING:
    from crl_data.serving.cache_folder import FrameCache
    from crl_data.store import Store


def load_data(config: TrainConfig) -> TrajectoryData:
    """What a run learns from: images of one camera or several, or states; with the state of the arm where it is wanted.

    Raises:
        StoreError: the store is missing, damaged, or lacks what the settings ask for.
        ConfigError: the settings contradict each other or the store.
    """
    spec = None if config.network.inputs == "state" else config.image.spec()
    cache = frame_cache(config.cache, config.cache_gb)
    from crl_data.store import Store

    store = Store.open(config.data).as_of_now()  # somebody may be recording into it
    data = load_store(store, spec, config.labels, cache, cameras=config.image.more_cameras)
    wanted = config.network.proprio
    if not wanted:
        return data
    arm = load_proprio(store)
    if arm.shape[1] != wanted:
        raise ConfigError(
            f"network.proprio={wanted}, the arm of {config.data} has {arm.shape[1]} numbers: its joints and its "
            f"gripper; set network.proprio={arm.shape[1]}"
        )
    return dataclasses.replace(data, proprio=arm)


def frame_cache(where: str, gigabytes: float) -> FrameCache | None:
    """Where decoded images are kept: 'auto' (the user's cache folder), 'off' or a folder; at most so many GB."""
    from crl_data.serving.cache_folder import FrameCache, default_folder

    if where == "off":
        return None
    return FrameCache(default_folder() if where == "auto" else Path(where).expanduser(), int(gigabytes * 1e9))


def load_store(
    source: str | Path | Store,
    image_spec: ImageSpec | None,
    labels: str = "commanded",
    cache: FrameCache | None = None,
    memory: bool | None = None,
    cameras: tuple[str, ...] = (),
) -> TrajectoryData:
    """Read all of a store; see `crl_data.serving.cache.load_frames` for ``cache`` and ``memory``.

    Args:
        source: the store or its path.
        image_spec: what the network sees; None for the states of an environment.
        labels: 'commanded' or 'achieved'.
        cache, memory: where decoded images lie.
        cameras: names of more cameras, cropped and resized like the first, put beside it on the channel axis.

    Raises:
        StoreError: it is missing, damaged or has no such camera, or its images fit neither memory nor cache.
    """
    from crl_data.gaps import load_valid_steps
    from crl_data.store import Store

    store = source if isinstance(source, Store) else Store.open(source).as_of_now()
    if image_spec is None:
        images, lengths = _states(store)
    else:
        images, lengths = _images(store, image_spec, cameras, cache, memory)
    return TrajectoryData(
        images,
        store.load_actions("achieved" if labels == "achieved" else "commanded"),
        lengths,
        image_spec,
        store.spec.action,
        labels,
        str(store.path),
        store.fingerprint(),
        store.spec.robot,
        load_valid_steps(store),
        episodes=tuple(store.episode_ids()),
    )


def load_proprio(store: Store) -> NDArray[np.float32]:
    """(N, joints + 1), as `arm_numbers` gives them.

    Raises StoreError where the store knows no joints.
    """
    if not store.spec.joint_names:
        raise StoreError(f"{store.path} knows no joints of the arm; set network.proprio=0")
    joints, gripper = store.load_array("joints"), store.load_array("gripper")
    return arm_numbers(joints, gripper)


def _images(
    store: Store, spec: ImageSpec, more: tuple[str, ...], cache: FrameCache | None, memory: bool | None
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images uint8 (N, H, W, 3 * cameras) and lengths (E,)."""
    from crl_data.serving.cache import load_frames

    images, lengths = load_frames(store, spec, cache=cache, memory=memory)
    if not more:
        return images, lengths
    others = [load_frames(store, dataclasses.replace(spec, camera=name), cache=cache, memory=True)[0] for name in more]
    return np.concatenate([images, *others], axis=-1), lengths


def _states(store: Store) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """States float32 (N, D) and lengths (E,). Raises StoreError where the store holds none."""
    if not store.spec.state_names:
        raise StoreError(f"{store.path} holds no states of an environment; learn from its images: network.inputs=image")
    lengths = np.array([meta.steps for meta in store.metas()], np.int64)
    return store.load_array("state").astype(np.float32, copy=False), lengths
