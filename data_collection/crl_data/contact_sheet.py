"""A picture of a store: first, middle and last frame of some episodes, one row of frames per camera."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from crl_data.episode import CameraTrack
from crl_data.store import Store
from crl_robot.errors import StoreError

MAX_EPISODES = 12
_THUMB = (160, 120)
_CAPTION = 16
_COLUMNS = 3
"""Episodes side by side."""


def write_contact_sheet(store: Store, path: Path) -> None:
    """Write a PNG with up to MAX_EPISODES episodes spread evenly over the store. Raises StoreError when it is empty."""
    ids = store.episode_ids()
    if not ids:
        raise StoreError(f"{store.path} has no episodes to draw; record some first")
    chosen = [ids[i] for i in np.unique(np.linspace(0, len(ids) - 1, MAX_EPISODES).round().astype(int))]
    metas = store.metas(chosen)
    tiles = [_tile([store.track(meta, camera) for camera in store.spec.cameras], meta.id) for meta in metas]
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % _COLUMNS)
    rows = [np.hstack(tiles[i : i + _COLUMNS]) for i in range(0, len(tiles), _COLUMNS)]
    done, data = cv2.imencode(".png", cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))
    if not done:
        raise StoreError(f"OpenCV could not code the contact sheet of {store.path} as PNG")
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise StoreError(f"could not write {path}: {error}; choose another with --png") from error


def _tile(tracks: Sequence[CameraTrack], caption: str) -> NDArray[np.uint8]:
    """One episode: three frames side by side for each camera under a caption, on white."""
    steps = (0, len(tracks[0]) // 2, len(tracks[0]) - 1)
    rows = [np.hstack([_thumb(track.frame(step)) for step in steps]) for track in tracks]
    header = np.full((_CAPTION, rows[0].shape[1], 3), 255, np.uint8)
    text = f"{caption}: steps {', '.join(map(str, steps))} of {len(tracks[0])}"
    cv2.putText(header, text, (2, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 0, 0), 1, cv2.LINE_AA)
    return np.pad(np.vstack([header, *rows]), ((2, 6), (4, 4), (0, 0)), constant_values=255).astype(np.uint8)


def _thumb(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The frame made small, with a white line on its right and below."""
    small = cv2.resize(frame, _THUMB, interpolation=cv2.INTER_AREA)
    return np.pad(small, ((0, 2), (0, 2), (0, 0)), constant_values=255).astype(np.uint8)
