"""A camera's calibration, in the YAML format of ROS's camera_info files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import ArrayLike, NDArray

from crl_robot.errors import ConfigError

MODEL = "plumb_bob"
_MATRICES = {
    "K": ("camera_matrix", (3, 3)),
    "D": ("distortion_coefficients", (1, 5)),
    "R": ("rectification_matrix", (3, 3)),
    "P": ("projection_matrix", (3, 4)),
}


@dataclass(frozen=True)
class Calibration:
    """Intrinsics of one camera at one size and focus.

    Attributes:
        camera: its name.
        size: (width, height) in pixels that the numbers belong to.
        K: (3, 3) camera matrix, pixels.
        D: (5,) distortion k1, k2, p1, p2, k3 of OpenCV's model, which ROS calls plumb_bob.
        R: (3, 3) rectification, a rotation; the identity for a single camera.
        P: (3, 4) projection of rectified points, pixels.
    """

    camera: str
    size: tuple[int, int]
    K: NDArray[np.float64]
    D: NDArray[np.float64]
    R: NDArray[np.float64]
    P: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name, shape in {"K": (3, 3), "D": (5,), "R": (3, 3), "P": (3, 4)}.items():
            object.__setattr__(self, name, _matrix(f"{name} of camera '{self.camera}'", getattr(self, name), shape))
        width, height = self.size
        centre = self.K[:2, 2]
        focal = np.array([self.K[0, 0], self.K[1, 1], self.P[0, 0], self.P[1, 1]])
        if not (np.all(focal > 0) and np.all(centre > 0) and np.all(centre < (width, height))):
            raise ConfigError(
                f"calibration of camera '{self.camera}' has focal lengths {focal[:2].tolist()} and centre "
                f"{centre.tolist()}, expected positive ones and a centre inside {width}x{height}; calibrate again"
            )
        if not np.allclose(self.R @ self.R.T, np.eye(3), atol=1e-6):
            raise ConfigError(f"R of camera '{self.camera}' is no rotation; it is the identity for a single camera")

    @classmethod
    def single(cls, camera: str, size: tuple[int, int], K: ArrayLike, D: ArrayLike) -> Calibration:
        """Of a camera that is no part of a stereo pair: R is the identity and P is K."""
        matrix = np.asarray(K, np.float64)
        return cls(camera, size, matrix, np.asarray(D), np.eye(3), np.hstack([matrix, np.zeros((3, 1))]))

    def require_size(self, size: tuple[int, int]) -> None:
        """Raise ConfigError unless it was made at this native size."""
        if size != self.size:
            raise ConfigError(
                f"calibration of camera '{self.camera}' is for {self.size[0]}x{self.size[1]} pixels, the camera gives "
                f"{size[0]}x{size[1]}; calibrate at the native size"
            )


def load_calibration(path: Path | str, size: tuple[int, int] | None = None) -> Calibration:
    """Read a camera_info file; with ``size`` it must be for that native size. Raises ConfigError."""
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        if data["distortion_model"] != MODEL:
            raise ConfigError(f"{path} has distortion_model {data['distortion_model']!r}, expected {MODEL!r}")
        matrices = {key: _read_matrix(str(path), data[name], name, shape) for key, (name, shape) in _MATRICES.items()}
        pixels = int(data["image_width"]), int(data["image_height"])
        camera = str(data["camera_name"])
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(
            f"{path} is no calibration that can be read ({type(error).__name__}: {error}); expected a camera_info file"
        ) from error
    calibration = Calibration(camera, pixels, **(matrices | {"D": matrices["D"].ravel()}))
    if size is not None:
        calibration.require_size(size)
    return calibration


def save_calibration(path: Path | str, calibration: Calibration) -> None:
    """Write it as a camera_info file; the folder must exist."""
    data: dict[str, Any] = {
        "image_width": calibration.size[0],
        "image_height": calibration.size[1],
        "camera_name": calibration.camera,
        "distortion_model": MODEL,
    }
    for key, (name, (rows, columns)) in _MATRICES.items():
        values = [float(value) for value in getattr(calibration, key).ravel()]
        data[name] = {"rows": rows, "cols": columns, "data": values}
    text = yaml.safe_dump(data, sort_keys=False, default_flow_style=None, width=100)
    Path(path).write_text(text, encoding="utf-8")


def _read_matrix(path: str, entry: Any, name: str, shape: tuple[int, int]) -> NDArray[np.float64]:
    if (entry["rows"], entry["cols"]) != shape or len(entry["data"]) != shape[0] * shape[1]:
        raise ConfigError(
            f"{path}: {name} has {entry['rows']}x{entry['cols']} and {len(entry['data'])} values, expected "
            f"{shape[0]}x{shape[1]}"
        )
    return np.array(entry["data"], np.float64).reshape(shape)


def _matrix(name: str, value: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    matrix = np.array(value, np.float64)
    if matrix.shape != shape or not np.isfinite(matrix).all():
        raise ConfigError(f"{name} is {matrix.tolist()}, expected finite numbers of shape {shape}")
    matrix.flags.writeable = False
    return matrix
