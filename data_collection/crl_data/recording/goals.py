"""Goal images that the operator captures: PNG files beside the store, as cameras see them now."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2

from crl_data.files import refusals
from crl_robot.contracts import Frame
from crl_robot.durable import make_folder, sync, write_file
from crl_robot.errors import StoreError


def goals_folder(store: Path) -> Path:
    """Where goal images of a store lie."""
    store = store.resolve()
    return store.with_name(f"{store.name}.goals")


def save_goals(store: Path, frames: Mapping[str, Frame]) -> list[Path]:
    """Write each camera's frame as ``<stamp of the frame, ns>-<camera>.png``; returns the files.

    Raises StoreError when the disk refuses.
    """
    folder, paths = goals_folder(store), []
    with refusals(store, folder):
        make_folder(folder)
        for camera, frame in frames.items():
            done, data = cv2.imencode(".png", cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR))
            if not done:
                raise StoreError(f"OpenCV could not code the frame of camera '{camera}' as PNG")
            path = folder / f"{frame.stamp_ns}-{camera}.png"
            write_file(path, data.tobytes())
            sync(path)
            paths.append(path)
        sync(folder)
    return paths
