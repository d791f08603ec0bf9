"""The scenes of trials on a robot: a goal image and a picture of the start for each, shared by all policies."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from crl_robot.durable import replace_file
from crl_robot.errors import GoalImageError

Image = NDArray[np.uint8]
Part = Literal["goal", "start"]


class Scenes:
    """A folder with NNN_goal.png and NNN_start.png; what is missing is photographed when its trial comes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, scene: int, part: Part) -> Image | None:
        """uint8 (H, W, 3) RGB, or None where there is no picture yet. Raises GoalImageError when it cannot be read."""
        path = self._path(scene, part)
        if not path.exists():
            return None
        image = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        if image is None:
            raise GoalImageError(f"{path} is not a picture, expected a PNG; delete it to photograph the scene again")
        return np.asarray(image, dtype=np.uint8)

    def save(self, scene: int, part: Part, image: Image) -> Path:
        """Keep a picture uint8 (H, W, 3) RGB. Raises GoalImageError when the disk refuses."""
        path = self._path(scene, part)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, cv2.imencode(".png", image[..., ::-1])[1].tobytes())
        except OSError as error:
            raise GoalImageError(f"{path} cannot be written ({error.strerror}); choose another folder") from error
        return path

    def _path(self, scene: int, part: Part) -> Path:
        return self.folder / f"{scene:03d}_{part}.png"
