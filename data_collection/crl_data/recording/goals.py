"""Goal images that the operator captures: PNG files beside the store, as cameras see them now."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from crl_data.codec import encode_png
from crl_data.files import refusals
from crl_robot.contracts import Frame
from crl_robot.durable import make_folder, replace_file


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
        make_folder(folder, lasting=True)
        for camera, frame in frames.items():
            path = folder / f"{frame.stamp_ns}-{camera}.png"
            replace_file(path, encode_png(frame.image))
            paths.append(path)
    return paths
