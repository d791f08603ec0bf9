"""Is a camera still where it was when the data were recorded? Compares a live picture with a data set's frames.

    reference = Reference.of(frames)  # uint8 (H, W, 3) RGB each, of many moments
    alignment = align(reference, live)
    print(alignment.verdict, alignment.advice)

What stands still in the recorded frames is what counts; the arm, objects and the light may differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from crl_data.aligning.likeness import Matrix, Picture, Views
from crl_data.aligning.registration import Registration, likeness_now, register
from crl_robot.errors import ContractError

Verdict = Literal["aligned", "moved", "different_scene"]
Image = NDArray[np.uint8]

TOLERANCE = 2 / 320
"""Mean distance, in picture widths, that counts as aligned: half a pixel of the shipped policies' image."""
MIN_FOUND = 0.55
"""Least likeness, once the live view is moved back, for the scene to be the same."""
MAX_TURN_DEG, MAX_SCALE, MIN_OVERLAP = 25.0, 1.5, 0.35
"""Beyond these a likeness is chance."""
_ADVICE = {
    "aligned": "nothing to do",
    "different_scene": "check that it is the right camera, that nothing covers it, and that it sees the same scene",
}
STEADY_GREY = 8.0
"""Deviation (grey levels) from the median at which a pixel of the reference counts half."""
MIN_STEADY = 0.5
"""Least likeness of the frames to their own median for the camera to have stood still."""


@dataclass(frozen=True)
class Reference:
    """What stood still before the camera.

    Attributes:
        picture: uint8 (H, W, 3) RGB, the median of the frames.
        trust: float32 (H, W), 1 where the frames agree, towards 0 where they do not.
        steadiness: 0..1, likeness of the frames to the picture; low for a camera that did not stand still.
    """

    picture: Image
    trust: Picture
    steadiness: float

    @classmethod
    def of(cls, frames: Iterable[Image]) -> Reference:
        """From frames of one camera. Raises ContractError when there is none or they differ in size."""
        kept = list(frames)
        if not kept or any(f.shape != kept[0].shape or f.ndim != 3 or f.dtype != np.uint8 for f in kept):
            raise ContractError(f"{len(kept)} reference frames, expected uint8 (H, W, 3) of one size, at least one")
        picture = np.median(np.stack(kept), axis=0).astype(np.uint8)
        grey = [_grey(frame) for frame in kept]
        spread = np.median([np.abs(frame - _grey(picture)) for frame in grey], axis=0)
        trust = (1 / (1 + (spread / STEADY_GREY) ** 2)).astype(np.float32)
        alike = [likeness_now(Views(_grey(picture), frame, trust)) for frame in grey]
        return cls(picture, trust, float(np.median(alike)))

    @property
    def steady(self) -> bool:
        """Whether the camera stood still."""
        return self.steadiness >= MIN_STEADY


@dataclass(frozen=True)
class Alignment:
    """How a live view differs from the reference.

    Attributes:
        shift_px: how far right and down the live view shows what is in the middle of the reference.
        rotation_deg: how far its content is turned clockwise.
        scale: size of things in the live view over their size in the reference.
        offset_px: mean distance of the picture's points from where they should be.
        score: 0..1, how alike live view and reference are now (see `crl_data.aligning.likeness`).
        found: 0..1, the same once the live view is moved back; low where it shows another scene.
        brightness: brightness of the live view over that of the reference.
        verdict: 'aligned', 'moved', or 'different_scene', where the numbers above mean nothing.
        advice: what to do with the camera; directions are as seen in the picture.
        matrix: float64 (2, 3), (x, y) in the live view = matrix @ (x, y, 1) of the reference.
    """

    shift_px: tuple[float, float]
    rotation_deg: float
    scale: float
    offset_px: float
    score: float
    found: float
    brightness: float
    verdict: Verdict
    advice: str
    matrix: Matrix


def align(reference: Reference | Iterable[Image], live: Image, tolerance_px: float | None = None) -> Alignment:
    """Compare a live view with the reference, which may be given as its frames.

    Args:
        reference: what the data show, or frames uint8 (H, W, 3) RGB of many moments.
        live: uint8 (H, W, 3) RGB at the recorded size.
        tolerance_px: greatest mean distance that counts as aligned; TOLERANCE of the width by default.

    Raises:
        ContractError: the live view has another type or size, there is no reference frame, or no tolerance.
    """
    reference = reference if isinstance(reference, Reference) else Reference.of(reference)
    if live.dtype != np.uint8 or live.shape != reference.picture.shape:
        raise ContractError(
            f"the live picture is {live.dtype} {live.shape}, the data's are uint8 {reference.picture.shape}; "
            "set the camera to the recorded size"
        )
    views = Views(_grey(reference.picture), _grey(live), reference.trust)
    tolerance = TOLERANCE * views.width if tolerance_px is None else tolerance_px
    if not tolerance > 0:
        raise ContractError(f"tolerance is {tolerance} px, expected a number above 0")
    brightness = float((views.live.mean() + 1) / (views.reference.mean() + 1))
    return _described(register(views), live.shape, brightness, tolerance)


def _described(found: Registration, shape: tuple[int, ...], brightness: float, tolerance: float) -> Alignment:
    """In the words and numbers of an Alignment, measured at points spread over the picture."""
    x, y = np.meshgrid(np.linspace(0.1, 0.9, 5) * shape[1], np.linspace(0.1, 0.9, 5) * shape[0])
    points = np.column_stack([x.ravel(), y.ravel()])
    moves = points @ found.matrix[:, :2].T + found.matrix[:, 2] - points
    right, down = moves.mean(axis=0).tolist()
    offset = float(np.linalg.norm(moves, axis=1).mean())
    cos, sin = found.matrix[:, 0]
    rotation, scale = float(np.degrees(np.arctan2(sin, cos))), float(np.hypot(cos, sin))
    verdict = _verdict(found, rotation, scale, offset <= tolerance)
    advice = _ADVICE.get(verdict)
    if advice is None:
        reach = float(np.linalg.norm(points - points.mean(axis=0), axis=1).mean())
        advice = _corrections((right, down), rotation, scale, reach, tolerance / 2)
    numbers = ((right, down), rotation, scale, offset, found.likeness_now, found.likeness, brightness)
    return Alignment(*numbers, verdict, advice, found.matrix)


def _verdict(found: Registration, rotation: float, scale: float, near: bool) -> Verdict:
    credible = abs(rotation) < MAX_TURN_DEG and 1 / MAX_SCALE < scale < MAX_SCALE and found.overlap > MIN_OVERLAP
    if found.likeness < MIN_FOUND or not credible:
        return "different_scene"
    return "aligned" if near else "moved"


def _corrections(shift: tuple[float, float], rotation: float, scale: float, reach: float, small: float) -> str:
    """In words; ``reach`` is the mean distance (px) of points from the middle, ``small`` (px) goes without saying."""
    right, down = shift
    words = []
    if abs(right) > small:
        words.append(f"turn the camera {'right' if right > 0 else 'left'}, by about {abs(right):.0f} px")
    if abs(down) > small:
        words.append(f"tilt it {'down' if down > 0 else 'up'}, by about {abs(down):.0f} px")
    if abs(np.radians(rotation)) * reach > small:
        words.append(
            f"roll it {'clockwise' if rotation > 0 else 'counter-clockwise'}, by about {abs(rotation):.1f} degrees"
        )
    if abs(scale - 1) * reach > small:
        words.append(f"move it {'away' if scale > 1 else 'closer'}, things look {scale:.2f} times their size")
    return "; ".join(words) or "turn it a little, watching the score"


def _grey(image: Image) -> Picture:
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
