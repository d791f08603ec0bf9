"""From a file or a message that somebody calls a goal to the one image the policy takes: upright RGB at native size.

Whatever cannot be a goal is refused before the policy is started, so that bad input never moves the arm. What is
converted and how is described in docs/goal_images.md. The network's own crop and resize stay in ImageSpec.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from crl_robot.errors import GoalImageError

MIN_SIDE_PX = 32
MAX_PIXELS = 50_000_000
ASPECT_TOLERANCE = 0.01
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""Readers that are tried. Others that Pillow has (EPS, for one) start programs or hide a second image inside."""

_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)
"""What Pillow raises on damaged files of these formats."""


@dataclass(frozen=True)
class GoalImage:
    """A usable goal.

    Attributes:
        image: uint8 (H, W, 3) RGB at the camera's native size.
        warnings: sentences the user should read, for example that the image was cropped.
        source: where it came from: an absolute path or a topic.
    """

    image: NDArray[np.uint8]
    warnings: tuple[str, ...]
    source: str


def load_goal_image(path: str | Path, native: tuple[int, int] = (320, 240)) -> GoalImage:
    """Read a goal image file for a camera of ``native`` (width, height); a relative path starts at the caller's folder.

    Raises:
        GoalImageError: not there, a folder, empty, not an image, damaged, animated, too small or too large.
    """
    file = Path(path).expanduser().absolute()
    try:
        _require_readable(file)
    except PermissionError as error:
        raise GoalImageError(_forbidden(str(file), error)) from error
    return goal_from_array(_decoded(file, str(file)), native, str(file))


def goal_from_bytes(data: bytes, native: tuple[int, int], source: str) -> GoalImage:
    """The same for the bytes of such a file, out of a message from ``source``. Raises GoalImageError likewise."""
    if not data:
        raise GoalImageError(f"goal image {source} is empty (0 bytes), expected an image; send it again")
    return goal_from_array(_decoded(io.BytesIO(data), source), native, source)


def goal_from_array(rgb: NDArray[np.uint8], native: tuple[int, int], source: str) -> GoalImage:
    """uint8 (h, w, 3) RGB of any size -> GoalImage at ``native`` (width, height); crops to the camera's aspect.

    Raises:
        GoalImageError: another dtype or shape, or a side shorter than MIN_SIDE_PX.
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise GoalImageError(
            f"goal image {source} is {rgb.dtype} {rgb.shape}, expected uint8 (H, W, 3) RGB; send an rgb8 image"
        )
    height, width = rgb.shape[:2]
    _require_size(width, height, source)
    crop_width = min(width, max(1, round(height * native[0] / native[1])))
    crop_height = min(height, max(1, round(width * native[1] / native[0])))
    left, top = (width - crop_width) // 2, (height - crop_height) // 2
    cropped = rgb[top : top + crop_height, left : left + crop_width]
    enlarged = crop_width < native[0]
    if (crop_width, crop_height) != native:
        cropped = cv2.resize(cropped, native, interpolation=cv2.INTER_LINEAR if enlarged else cv2.INTER_AREA)
    notes = _aspect_notes((width, height), (crop_width, crop_height), native)
    if enlarged:
        notes += (
            f"the goal image was enlarged from {crop_width}x{crop_height} to {native[0]}x{native[1]} pixels and may "
            "be too blurred; take it with the camera itself",
        )
    return GoalImage(np.ascontiguousarray(cropped, dtype=np.uint8), notes, source)


def _decoded(file: Path | io.BytesIO, name: str) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) RGB, upright. Raises GoalImageError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file, formats=FORMATS) as image:
                _require_usable(image, name)
                return _to_rgb(ImageOps.exif_transpose(image), name)
    except GoalImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise GoalImageError(f"goal image {name} is too large: {error}; {_size_advice()}") from error
    except UnidentifiedImageError as error:
        raise GoalImageError(
            f"goal image {name} is not an image in a known format, expected one of {', '.join(FORMATS)}; "
            "save it as PNG or JPEG"
        ) from error
    except PermissionError as error:
        raise GoalImageError(_forbidden(name, error)) from error
    except _BROKEN as error:
        raise GoalImageError(
            f"goal image {name} is damaged or cut short ({error}), expected a whole image; copy or save it again"
        ) from error


def _forbidden(name: str, error: PermissionError) -> str:
    return f"goal image {name} may not be read: {error.strerror}; change its permissions"


def _require_readable(file: Path) -> None:
    if file.is_dir():
        raise GoalImageError(f"goal image {file} is a folder, expected an image file; name a file inside it")
    if not file.exists():
        raise GoalImageError(f"goal image {file} is not there, expected an image file; check the path")
    if not file.is_file():
        raise GoalImageError(f"goal image {file} is a device or a pipe, expected an image file")
    if file.stat().st_size == 0:
        raise GoalImageError(f"goal image {file} is empty (0 bytes), expected an image file; save it again")


def _require_usable(image: Image.Image, name: str) -> None:
    """Checks that need the header only: nothing has been decoded yet."""
    _require_size(image.width, image.height, name)
    count = getattr(image, "n_frames", 1)
    if count > 1 and image.format != "MPO":  # phones store a depth or gain map beside the photograph as MPO
        raise GoalImageError(
            f"goal image {name} is animated or has several pages ({count} images), expected a single one; "
            "save the one that shows the goal as PNG"
        )


def _require_size(width: int, height: int, source: str) -> None:
    if min(width, height) < MIN_SIDE_PX or width * height > MAX_PIXELS:
        size = "too small" if min(width, height) < MIN_SIDE_PX else "too large"
        raise GoalImageError(f"goal image {source} is {size}: {width}x{height} pixels; {_size_advice()}")


def _size_advice() -> str:
    return f"expected at least {MIN_SIDE_PX} pixels a side and at most {MAX_PIXELS // 1_000_000} megapixels"


def _aspect_notes(got: tuple[int, int], kept: tuple[int, int], native: tuple[int, int]) -> tuple[str, ...]:
    aspect, expected = got[0] / got[1], native[0] / native[1]
    if abs(aspect / expected - 1.0) <= ASPECT_TOLERANCE:
        return ()
    return (
        f"the goal image has aspect {aspect:.2f} ({got[0]}x{got[1]}), the camera has {expected:.2f} "
        f"({native[0]}x{native[1]}): only its centre, {kept[0]}x{kept[1]} pixels, is used",
    )


def _to_rgb(image: Image.Image, name: str) -> NDArray[np.uint8]:
    """Any still image that Pillow decodes -> uint8 (H, W, 3) RGB. Transparent parts become black."""
    if image.mode.startswith("I") or image.mode == "F":
        return _deep_grey_to_rgb(image, name)
    if image.has_transparency_data:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, image.convert("RGBA"))
    return np.asarray(image.convert("RGB"), dtype=np.uint8)


def _deep_grey_to_rgb(image: Image.Image, name: str) -> NDArray[np.uint8]:
    """16-bit grey, 0..65535, -> uint8 (H, W, 3); 65535 / 255 = 257 exactly."""
    grey = np.asarray(image)  # (H, W)
    if image.mode == "F" or grey.min() < 0 or grey.max() > 65535:
        raise GoalImageError(
            f"goal image {name} holds floating-point or 32-bit values (mode {image.mode}), "
            "expected 8 or 16 bits a channel; save it as PNG"
        )
    clear = image.info.get("transparency")
    scaled = np.round(grey / 257.0).astype(np.uint8)
    if clear is not None:
        scaled[grey == clear] = 0
    return np.repeat(scaled[..., None], 3, axis=2)
