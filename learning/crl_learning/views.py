"""What a policy sees at one instant: the picture of one camera, or of several side by side on the channel axis.

A checkpoint of several cameras acts on arrays uint8 (H, W, 3 * cameras), its goals among them, in the order in which it
was trained. With one camera they are its pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crl_robot.contracts import Frame
from crl_robot.errors import ContractError
from crl_robot.image_spec import ImageSpec

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Views:
    """Names and image spec of the cameras.

    Attributes:
        spec: of the first camera; the others have its native size and are cropped and resized alike.
        more: names of the others.
    """

    spec: ImageSpec
    more: tuple[str, ...] = ()

    @property
    def cameras(self) -> tuple[str, ...]:
        """All of them, in the order of the channels."""
        return (self.spec.camera, *self.more)

    @property
    def sizes(self) -> dict[str, tuple[int, int]]:
        """Native (width, height) by camera."""
        return dict.fromkeys(self.cameras, self.spec.native)

    def stack(self, frames: Mapping[str, Frame]) -> Picture:
        """Frames of one instant -> uint8 (H, W, 3 * cameras). Raises ContractError naming a camera that is missing."""
        return self.join({name: frame.image for name, frame in frames.items()})

    def join(self, pictures: Mapping[str, Picture]) -> Picture:
        """Pictures uint8 (H, W, 3) by camera -> (H, W, 3 * cameras). Raises ContractError likewise."""
        missing = [name for name in self.cameras if name not in pictures]
        if missing:
            raise ContractError(
                f"got pictures of {', '.join(sorted(pictures)) or 'no camera'}, expected {', '.join(self.cameras)}; "
                f"start {', '.join(missing)}, or use a checkpoint without"
            )
        if not self.more:
            return pictures[self.spec.camera]
        return np.concatenate([pictures[name] for name in self.cameras], axis=-1)

    def split(self, picture: Picture) -> dict[str, Picture]:
        """The other way round. Raises ContractError when the picture is of another number of cameras."""
        if picture.ndim != 3 or picture.shape[-1] != 3 * len(self.cameras):
            raise ContractError(
                f"got a picture of shape {picture.shape}, expected {3 * len(self.cameras)} channels: the checkpoint "
                f"sees {', '.join(self.cameras)}; capture the goal, name a recorded frame, give a file a camera, or "
                "send a picture of each to goal/CAMERA/image"
            )
        return {name: np.ascontiguousarray(picture[..., 3 * i : 3 * i + 3]) for i, name in enumerate(self.cameras)}

    def apply(self, picture: Picture) -> Picture:
        """uint8 (H, W, 3 * cameras) at native size -> uint8 (h, w, 3 * cameras) as the network sees it."""
        if not self.more:
            return self.spec.apply(picture)
        return np.concatenate([self.spec.apply(one) for one in self.split(picture).values()], axis=-1)

    def unapply(self, seen: Picture) -> Picture:
        """The other way round, for people: enlarged, black where the network sees nothing."""
        if not self.more:
            return self.spec.unapply(seen)
        return np.concatenate([self.spec.unapply(one) for one in self.split(seen).values()], axis=-1)

    def seen_by(self, picture: Picture, camera: str) -> Picture:
        """What one camera has in a picture, at whatever size: uint8 (H, W, 3)."""
        return picture if not self.more else self.split(picture)[camera]
