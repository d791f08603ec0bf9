"""Gathers views of a checkerboard, from pictures or from a live camera, and shows where they were."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crl_robot.cameras.checkerboard import Board, Corners, cells_covered, find_corners, is_new_view
from crl_robot.contracts import Camera
from crl_robot.errors import CameraError, ConfigError
from crl_robot.replay import pictures

Say = Callable[[str], None]

SHADES = " .:+#"
LOOK_EVERY_S = 0.3
TIMEOUT_S = 300.0
MISSING_S = 5.0


def views_from_folder(folder: Path, board: Board, say: Say) -> tuple[list[Corners], tuple[int, int]]:
    """Corners of every picture that shows the whole board, and the pictures' size.

    Raises:
        CameraError: a picture cannot be read.
        ConfigError: there is none, or they differ in size.
    """
    views, size = [], (0, 0)
    if not folder.is_dir():
        raise ConfigError(f"{folder} is no folder, expected one with pictures of the board")
    for number, image in enumerate(pictures(folder), 1):
        this = (image.shape[1], image.shape[0])
        if size not in ((0, 0), this):
            raise ConfigError(f"picture {number} of {folder} has {this} pixels, those before {size}; use one size")
        size = this
        corners = find_corners(image, board)
        say(f"picture {number}: {'board found' if corners is not None else 'no whole board'}")
        views += [] if corners is None else [corners]
    return views, size


def views_from_camera(
    camera: Camera, board: Board, count: int, say: Say, keep: Callable[[int, NDArray[np.uint8]], None] = lambda *_: None
) -> list[Corners]:
    """Look until so many views that differ are there, or the time is over; returns those there are.

    Args:
        keep: gets number and image of each view that is taken.

    Raises:
        CameraError: the camera gives no frame.
    """
    views: list[Corners] = []
    for image in _looks(camera):
        corners = find_corners(image, board)
        if corners is None or not is_new_view(corners, views, camera.size):
            continue
        views.append(corners)
        keep(len(views), image)
        say(f"view {len(views)} of {count}; now somewhere else, nearer, or tilted")
        say(coverage_map(cells_covered(views, camera.size)))
        if len(views) >= count:
            break
    return views


def _looks(camera: Camera) -> Iterator[NDArray[np.uint8]]:
    """Newest images, about three a second, until the time is over or Ctrl-C."""
    end = time.monotonic() + TIMEOUT_S
    seen = time.monotonic()
    try:
        while time.monotonic() < end:
            try:
                image = camera.read().image
                seen = time.monotonic()
                yield image
            except CameraError:
                if time.monotonic() - seen > MISSING_S:
                    raise
            time.sleep(LOOK_EVERY_S)
    except KeyboardInterrupt:
        return


def coverage_map(cells: NDArray[np.int64]) -> str:
    """The picture's cells as characters: blank where no corner was, '#' where there were many."""
    levels = np.minimum(np.ceil(np.log2(cells + 1)), len(SHADES) - 1).astype(int)
    return "\n".join("|" + "".join(SHADES[level] * 2 for level in row) + "|" for row in levels)
