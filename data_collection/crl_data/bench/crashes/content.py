"""Episodes whose every bit follows from a seed and a number, so that one knows after a crash what they held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.camera_track import CameraTrack
from crl_data.codec import encode_jpeg
from crl_data.episode import Episode, EpisodeMeta
from crl_data.episode_file import EpisodeFile
from crl_data.schema import CameraSpec, Encoding, StoreSpec
from crl_data.store import Store
from crl_robot.contracts import ACTION_DIM, ActionSpec
from crl_robot.errors import StoreError

CAMERAS = ("over_shoulder", "wrist")
ENCODINGS: tuple[Encoding, ...] = ("jpeg", "lossless")
PERIOD_NS = 200_000_000
LONG = 100_000
"""Numbers from here on stand for episodes of number // LONG steps."""


@dataclass(frozen=True)
class Content:
    """What one episode holds: ``images`` uint8 (T, H, W, 3) by camera, ``arrays`` by name."""

    images: Mapping[str, NDArray[np.uint8]]
    arrays: Mapping[str, NDArray[Any]]
    goal_steps: tuple[int, ...]


def spec(encoding: Encoding, native: tuple[int, int] = (48, 32), cameras: tuple[str, ...] = CAMERAS) -> StoreSpec:
    """A store of small frames."""
    coded = {name: CameraSpec(native, encoding, 95) for name in cameras}
    return StoreSpec(ActionSpec(rate_hz=1e9 / PERIOD_NS), coded, "no robot", ("shoulder", "elbow"))


def episode_id(number: int) -> str:
    """Name of the episode with this number."""
    return f"e{number:08d}"


def number_of(episode: str) -> int:
    """The number in an episode's name."""
    return int(episode[1:])


def content(store: StoreSpec, seed: int, number: int) -> Content:
    """Draw an episode of 2 to 6 steps, or of k from number k * LONG on; the same arguments draw the same."""
    rng = np.random.default_rng((seed, number))
    length = int(rng.integers(2, 7)) if number < LONG else number // LONG
    stamps = (np.arange(length) + 1) * PERIOD_NS
    quats = rng.normal(size=(length, 4))
    arrays = {
        "stamp_ns": stamps,
        "action_commanded": rng.uniform(-0.05, 0.05, (length, ACTION_DIM)).astype(np.float32),
        "action_achieved": rng.uniform(-0.05, 0.05, (length, ACTION_DIM)).astype(np.float32),
        "gripper": rng.uniform(size=length),
        "joints": rng.normal(size=(length, len(store.joint_names))),
        "tool_measured": np.hstack([rng.normal(size=(length, 3)), quats / np.linalg.norm(quats, axis=1)[:, None]]),
    }
    for name in ("action_commanded", "action_achieved"):
        arrays[name][:, -1] = rng.uniform(size=length)
    images = {name: rng.integers(0, 256, (length, *camera.shape), np.uint8) for name, camera in store.cameras.items()}
    return Content(images, arrays, (length - 1,) if number % 2 else ())


def fill(file: EpisodeFile, held: Content, first: int = 0) -> None:
    """Add the frames from step ``first`` on. Raises StoreError when the disk refuses."""
    for step in range(first, len(held.arrays["stamp_ns"])):
        for camera, images in held.images.items():
            stamp_ns = int(held.arrays["stamp_ns"][step])
            file.add_frame(camera, images[step], stamp_ns, stamp_ns + 1)


def meta_of(held: Content, seed: int, number: int) -> EpisodeMeta:
    """The attributes that go with it."""
    return EpisodeMeta(
        episode_id(number), "durability", seed=(seed, number), note=f"number {number}", goal_steps=held.goal_steps
    )


def write(store: Store, seed: int, number: int) -> str:
    """Commit one episode; returns its id. Raises StoreError."""
    held = content(store.spec, seed, number)
    with EpisodeFile(store, episode_id(number)) as file:
        fill(file, held)
        return file.commit(meta_of(held, seed, number), held.arrays)


def difference(store: Store, seed: int, episode: str) -> str:
    """Where an episode of the store is not bit by bit the one of its number; '' when it is."""
    try:
        got = store.read(episode)
        return compare(got, content(store.spec, seed, number_of(episode)), seed)
    except StoreError as error:
        return str(error)


def compare(got: Episode, want: Content, seed: int) -> str:
    """Where an episode is not bit by bit the one of its id; '' when it is. Raises StoreError when it is damaged."""
    expected = meta_of(want, seed, number_of(got.meta.id))
    for name in ("note", "goal_steps", "source", "clock", "seed"):
        if getattr(got.meta, name) != getattr(expected, name):
            return f"{name} is {getattr(got.meta, name)!r}"
    if set(got.arrays) != set(want.arrays) or set(got.cameras) != set(want.images):
        return f"it has {sorted(got.arrays)} and {sorted(got.cameras)}"
    for name, array in want.arrays.items():
        if got.arrays[name].dtype != array.dtype or not np.array_equal(got.arrays[name], array):
            return f"{name} differs"
    for camera, images in want.images.items():
        if not _same_frames(got.cameras[camera], images, want.arrays["stamp_ns"]):
            return f"camera {camera} differs"
    return ""


def _same_frames(track: CameraTrack, images: NDArray[np.uint8], stamp_ns: NDArray[np.int64]) -> bool:
    if len(track) != len(images) or not np.array_equal(track.stamp_ns, stamp_ns):
        return False
    if track.spec.encoding == "jpeg":
        return list(track.all_encoded()) == [encode_jpeg(image, track.spec.quality) for image in images]
    return all(np.array_equal(frame, image) for frame, image in zip(track.frames(), images, strict=True))
