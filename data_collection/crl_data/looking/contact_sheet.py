"""A picture of a store: first, middle and last frame of some episodes, one row of frames per camera."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from crl_data.codec import encode_png
from crl_data.episode import EpisodeMeta
from crl_data.store import Store
from crl_data.words import not_written
from crl_robot.durable import replace_file
from crl_robot.errors import StoreError

MAX_EPISODES = 12
_THUMB = (160, 120)
_CAPTION = 18
_COLUMNS = 3
"""Episodes side by side."""
_MARKS = {True: ("success", (46, 139, 87)), False: ("failure", (192, 57, 43)), None: ("", (0, 0, 0))}


def write_contact_sheet(store: Store, path: Path) -> Path:
    """Write a PNG with up to MAX_EPISODES episodes spread evenly over the store; returns its path.

    A damaged episode is drawn as a grey tile. Raises StoreError when the store is empty or the file cannot be written.
    """
    ids = store.episode_ids()
    if not ids:
        raise StoreError(f"{store.path} has no episodes to draw; record some first")
    chosen = [ids[i] for i in np.unique(np.linspace(0, len(ids) - 1, MAX_EPISODES).round().astype(int))]
    tiles = [_tile(store, episode_id) for episode_id in chosen]
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % min(_COLUMNS, len(tiles)))
    columns = min(_COLUMNS, len(tiles))
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    return write_png(np.vstack(rows), path)


def write_png(image: NDArray[np.uint8], path: Path) -> Path:
    """Write uint8 (H, W, 3) RGB whole or not at all, making the folder. Raises StoreError when the disk refuses."""
    data = encode_png(image)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)
    except OSError as error:
        raise StoreError(not_written(path, error)) from error
    return path


def _tile(store: Store, episode_id: str) -> NDArray[np.uint8]:
    """One episode: three frames side by side for each camera under a caption, on white."""
    try:
        meta = store.meta(episode_id)
        rows, caption, colour = _frames(store, meta), *_caption(meta)
    except StoreError:
        cameras = len(store.spec.cameras)
        grey = np.full((_THUMB[1] * cameras, 3 * _THUMB[0], 3), 200, np.uint8)
        rows, caption, colour = [_lined(grey, cameras, 3)], f"{episode_id}: cannot be read", _MARKS[False][1]
    header = np.full((_CAPTION, rows[0].shape[1], 3), 255, np.uint8)
    cv2.putText(header, caption, (2, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, 1, cv2.LINE_AA)
    return np.pad(np.vstack([header, *rows]), ((2, 6), (4, 4), (0, 0)), constant_values=255).astype(np.uint8)


def _frames(store: Store, meta: EpisodeMeta) -> list[NDArray[np.uint8]]:
    tracks = [store.track(meta, camera) for camera in store.spec.cameras]
    steps = (0, meta.steps // 2, meta.steps - 1)
    return [np.hstack([_lined(_thumb(track.frame(step)), 1, 1) for step in steps]) for track in tracks]


def _caption(meta: EpisodeMeta) -> tuple[str, tuple[int, int, int]]:
    mark, colour = _MARKS[meta.success]
    return ", ".join(filter(None, (f"{meta.id}: {meta.steps} steps", mark, meta.operator))), colour


def _thumb(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The frame made small in its own proportions, on light grey."""
    height, width = frame.shape[:2]
    factor = min(_THUMB[0] / width, _THUMB[1] / height)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    thumb = np.full((_THUMB[1], _THUMB[0], 3), 235, np.uint8)
    top, left = (_THUMB[1] - size[1]) // 2, (_THUMB[0] - size[0]) // 2
    thumb[top : top + size[1], left : left + size[0]] = small
    return thumb


def _lined(image: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """With white lines to the right and below, as wide as those of ``rows`` and ``columns`` thumbs."""
    return np.pad(image, ((0, 2 * rows), (0, 2 * columns), (0, 0)), constant_values=255).astype(np.uint8)
