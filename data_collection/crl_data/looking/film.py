"""One episode as a film: cameras side by side, at the control rate or by the true stamps, with a caption if wanted."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from crl_data.camera_track import CameraTrack
from crl_data.episode import EpisodeMeta
from crl_data.store import Store
from crl_data.words import not_written
from crl_robot.errors import ConfigError, StoreError
from crl_robot.video import write_video

KINDS = (".mp4", ".mkv", ".mov")
"""Ends of the names that films may have; they tell the kind of file."""
REALTIME_FPS = 30.0
"""Frame rate of a film in real time: each of its frames shows the newest step by then."""
_CAPTION = 20
_TEXT = (cv2.FONT_HERSHEY_SIMPLEX, 0.42, (235, 235, 235), 1, cv2.LINE_AA)

Image = NDArray[np.uint8]


def write_film(
    store: Store,
    episode: str,
    path: Path,
    *,
    cameras: Sequence[str] = (),
    realtime: bool = False,
    speed: float = 1.0,
    caption: bool = False,
) -> Path:
    """Write one episode as an mp4 file; returns its path.

    Args:
        store: where it is.
        episode: its id, or its number from 0 in the order of the ids.
        path: file to write, its name ending with one of KINDS; its folder is made.
        cameras: which, from left to right; all of the store by default.
        realtime: show each step for as long as its true stamps say; without it, every step is one frame.
        speed: times as fast.
        caption: write step, time and marks below the pictures.

    Raises:
        StoreError: no such episode or camera, damage, real time is asked of an episode without stamps, or the disk
            refused; an earlier film at ``path`` is then as it was.
        ConfigError: the speed is not above 0, or the name has another end.
    """
    if path.suffix.lower() not in KINDS:
        raise ConfigError(f"{path} is no name for a film, expected one that ends with {', '.join(KINDS)}")
    if not speed > 0:
        raise ConfigError(f"speed is {speed}, expected a number above 0")
    store.spec.require_cameras()
    meta = store.meta(episode_id(store, episode))
    stamps = store.array(meta, "stamp_ns") if meta.clock == "measured" else np.zeros(0, np.int64)
    film = _Film(meta, stamps, [store.track(meta, name) for name in cameras or store.spec.cameras], caption)
    if realtime and not len(stamps):
        raise StoreError(f"episode '{meta.id}' has no true stamps; leave out --realtime")
    action = store.spec.action
    steps = steps_in_time(stamps, action.period_s, speed) if realtime else range(meta.steps)
    with _appears_whole(path) as beside:
        write_video(beside, film.frames(steps), REALTIME_FPS if realtime else action.rate_hz * speed)
    return path


@contextlib.contextmanager
def _appears_whole(path: Path) -> Iterator[Path]:
    """Give a path to write to, and rename it to ``path`` at the end: half a film would look like a whole one."""
    beside = path.with_name(f".partial-{os.getpid()}-{path.name}")  # the name's end tells the kind of film
    try:
        yield beside
        beside.replace(path)
    except (OSError, FFmpegError) as error:
        raise StoreError(not_written(path, error)) from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def episode_id(store: Store, name: str) -> str:
    """The id meant by an id or a number; a number that is itself an id means that one."""
    ids = store.episode_ids()
    return ids[int(name)] if name not in ids and name.isdecimal() and int(name) < len(ids) else name


def steps_in_time(stamp_ns: NDArray[np.int64], period_s: float, speed: float = 1.0) -> list[int]:
    """The step to show in each frame of a film in real time; the last step is shown for one period."""
    seconds = (stamp_ns - stamp_ns[0]) / 1e9 / speed
    count = int(np.ceil((seconds[-1] + period_s / speed) * REALTIME_FPS - 1e-6))
    shown = np.searchsorted(seconds, np.arange(count) / REALTIME_FPS + 1e-6, side="right") - 1
    return shown.tolist()


@dataclass(frozen=True)
class _Film:
    meta: EpisodeMeta
    stamp_ns: NDArray[np.int64]
    tracks: Sequence[CameraTrack]
    caption: bool

    def frames(self, steps: Sequence[int]) -> Iterator[Image]:
        """One picture per step asked for; a step that is repeated is decoded once."""
        shown, picture = -1, np.zeros(0, np.uint8)
        for step in steps:
            if step != shown:
                shown, picture = step, self._picture(step)
            yield picture

    def _picture(self, step: int) -> Image:
        images = [track.frame(step) for track in self.tracks]
        height = max(len(image) for image in images)
        row = np.hstack([_as_high(image, height) for image in images])
        if not self.caption:
            return row
        strip = np.zeros((_CAPTION, row.shape[1], 3), np.uint8)
        cv2.putText(strip, self._words(step), (5, 14), *_TEXT)
        return np.vstack([row, strip])

    def _words(self, step: int) -> str:
        words = [f"step {step} (0 to {self.meta.steps - 1})"]
        if len(self.stamp_ns):
            words.append(f"{(self.stamp_ns[step] - self.stamp_ns[0]) / 1e9:.2f} s")
        if step in self.meta.goal_steps:
            words.append("goal")
        return "  ".join(words)


def _as_high(image: Image, height: int) -> Image:
    """The image in its own proportions, ``height`` pixels high, so that cameras of several sizes fit in one row."""
    if len(image) == height:
        return image
    width = max(1, round(image.shape[1] * height / len(image)))
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
