"""Goals and progress of a run inside a LeRobot data set, which has no place for them: arrays in our own files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.episode import EpisodeMeta
from crl_data.episode_file import EpisodeFile
from crl_data.episode_folder import EpisodeFolder
from crl_data.exchange.errors import SourceError
from crl_data.files import checksum
from crl_data.schema import StoreSpec
from crl_data.told import GOALS, PROGRESS, goal_frames


def told_arrays(folder: EpisodeFolder) -> dict[str, NDArray[Any]]:
    """All of them by their paths in the group, pictures uint8 (G, H, W, 3) too. Raises StoreError."""
    names = [name for name in folder.meta.checksums if name.startswith((f"{GOALS}/", f"{PROGRESS}/"))]
    pictures = {goal_frames(camera): camera for camera in folder.goal_cameras()}
    arrays = {name: folder.array(name) for name in names if name not in pictures}
    return arrays | {name: np.stack(list(folder.goal_track(camera).frames())) for name, camera in pictures.items()}


def restore_pictures(
    file: EpisodeFile, meta: EpisodeMeta, spec: StoreSpec, arrays: Mapping[str, NDArray[Any]]
) -> set[str]:
    """Add the pictures of goals to an episode again; returns their names. Raises SourceError, StoreError."""
    names = {goal_frames(camera): camera for camera in spec.cameras}
    for name, camera in names.items():
        if name not in meta.checksums:
            continue
        if name not in arrays or checksum(arrays[name]) != meta.checksums[name]:
            raise SourceError(f"{name} of episode '{meta.id}' is not what was exported")
        for picture in arrays[name]:
            file.goals(camera).add(picture, None, None)
    return set(names)
