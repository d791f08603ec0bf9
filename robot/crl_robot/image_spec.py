"""The one way from a camera's native image to what the network sees, as data with a hash.

Recording, training, simulation and acting all call `ImageSpec.apply`; the hash travels in data set and checkpoint.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from crl_robot.errors import ContractError, MismatchError

Interpolation = Literal["area", "linear"]
_CV2_INTERPOLATION = {"area": cv2.INTER_AREA, "linear": cv2.INTER_LINEAR}


@dataclass(frozen=True)
class ImageSpec:
    """Crop, then resize.

    Attributes:
        camera: name of the camera whose images it takes.
        native: (width, height) in pixels that it accepts.
        crop: (x, y, width, height) in native pixels.
        size: (width, height) that the network sees.
        interpolation: OpenCV's 'area' or 'linear'.
        colour: channel order; only 'rgb'.
    """

    camera: str = "over_shoulder"
    native: tuple[int, int] = (320, 240)
    crop: tuple[int, int, int, int] = (40, 0, 240, 240)
    size: tuple[int, int] = (64, 64)
    interpolation: Interpolation = "area"
    colour: Literal["rgb"] = "rgb"

    def __post_init__(self) -> None:
        for name in ("native", "crop", "size"):
            object.__setattr__(self, name, tuple(int(v) for v in getattr(self, name)))
        x, y, width, height = self.crop
        inside = x >= 0 and y >= 0 and x + width <= self.native[0] and y + height <= self.native[1]
        if width < 1 or height < 1 or not inside:
            raise ContractError(f"crop {self.crop} does not lie inside the native size {self.native}")
        if min(self.size) < 1:
            raise ContractError(f"size is {self.size}, expected (width, height) of at least 1 pixel")
        if self.interpolation not in _CV2_INTERPOLATION or self.colour != "rgb":
            raise ContractError(
                f"interpolation={self.interpolation!r} colour={self.colour!r}, expected 'area' or 'linear', and 'rgb'"
            )

    @property
    def is_identity(self) -> bool:
        """Whether the network sees the native image as it is."""
        return self.crop == (0, 0, *self.native) and self.size == self.native

    def apply(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """uint8 (H, W, 3) RGB at native size -> uint8 (h, w, 3) RGB. Raises ContractError on any other input."""
        expected = (self.native[1], self.native[0], 3)
        if image.dtype != np.uint8 or image.shape != expected:
            raise ContractError(
                f"image of camera '{self.camera}' is {image.dtype} {image.shape}, expected uint8 {expected}; "
                "set the camera to its native size or use a checkpoint for this camera"
            )
        x, y, width, height = self.crop
        cropped = image[y : y + height, x : x + width]
        resized = cv2.resize(cropped, self.size, interpolation=_CV2_INTERPOLATION[self.interpolation])
        return np.ascontiguousarray(resized, dtype=np.uint8)

    def unapply(self, seen: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """uint8 (h, w, 3) as the network sees it -> native size, for people: enlarged, black outside of the crop."""
        x, y, width, height = self.crop
        native = np.zeros((self.native[1], self.native[0], 3), np.uint8)
        native[y : y + height, x : x + width] = cv2.resize(seen, (width, height), interpolation=cv2.INTER_NEAREST)
        return native

    def to_dict(self) -> dict[str, Any]:
        return {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ImageSpec:
        return cls(**data)

    @property
    def hash(self) -> str:
        """First 16 hex digits of the SHA-256 of the canonical JSON."""
        canonical = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def require_equal(self, other: ImageSpec, mine: str, theirs: str) -> None:
        """Raise MismatchError naming both values where ``other`` differs; ``mine`` and ``theirs`` name the owners."""
        for key, value in self.to_dict().items():
            got = other.to_dict()[key]
            if got != value:
                raise MismatchError(
                    f"image specs differ: {mine} ({self.hash}) has {key}={value!r}, "
                    f"{theirs} ({other.hash}) has {key}={got!r}; use the camera and checkpoint that belong together"
                )
