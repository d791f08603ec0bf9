"""The picture that `crl-data align` writes: data set, live view, one over the other, and where the view has to go."""

from __future__ import annotations

import textwrap

import cv2
import numpy as np
from numpy.typing import NDArray

from crl_data.aligning.align import Alignment
from crl_data.aligning.likeness import edge_directions

Image = NDArray[np.uint8]

_WIDEST = 640
_LINE, _LETTER = 20, 8
"""Height of a line and width of a letter of the text above, in pixels."""
_COLOURS = {"aligned": (46, 139, 87), "moved": (217, 119, 43), "different_scene": (192, 57, 43)}
_WEAK = 0.6
"""Strength of an edge that is not drawn: noise on plain areas is weaker."""
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_overlay(recorded: Image, live: Image, alignment: Alignment) -> Image:
    """uint8 RGB: recorded and live above, below the edges of both, and live with arrows to their places.

    Edges are red where only the data set has them, blue where only the live view has, dark where both have. Colours of
    the pictures themselves would not tell which is which: what is dark in one looks like what is bright in the other.
    """
    factor = min(1.0, _WIDEST / live.shape[1])
    small, seen = _resized(recorded, factor), _resized(live, factor)
    panels = [
        _titled(small, "data set"),
        _titled(seen, "live"),
        _titled(_edges(small, seen), "edges: data set red, live blue, both dark"),
        _titled(_arrows(seen, alignment, factor), "live, and where it should be"),
    ]
    body = np.vstack([np.hstack(panels[:2]), np.hstack(panels[2:])])
    return np.vstack([_header(body.shape[1], alignment), body])


def signed(value: float) -> str:
    """With one digit and its sign; a value that rounds to 0 is +0.0."""
    return f"{round(value, 1) + 0.0:+.1f}"


def _edges(recorded: Image, live: Image) -> Image:
    """On white; ink of an edge takes away the colours that it does not have."""
    red, blue = (_strength(image) for image in (recorded, live))
    picture = np.dstack([1 - blue, 1 - np.maximum(red, 0.6 * blue), 1 - red])
    return (255 * picture).astype(np.uint8)


def _strength(image: Image) -> NDArray[np.float32]:
    """0..1 (H, W), from weak edges to strong ones, in any light."""
    directions = edge_directions(np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32))
    return np.clip((np.linalg.norm(directions, axis=0) - _WEAK) / (1 - _WEAK), 0, 1).astype(np.float32)


def _arrows(live: Image, alignment: Alignment, factor: float) -> Image:
    picture = live.copy()
    if alignment.verdict == "different_scene":
        return picture
    height, width = live.shape[:2]
    for x in np.linspace(0.15, 0.85, 5) * width / factor:
        for y in np.linspace(0.2, 0.8, 4) * height / factor:
            now = alignment.matrix @ [x, y, 1.0] * factor
            start, end = (tuple(int(v) for v in point) for point in (now.round(), np.round([x * factor, y * factor])))
            cv2.circle(picture, start, 2, (255, 255, 255), -1, cv2.LINE_AA)
            cv2.arrowedLine(picture, start, end, _COLOURS[alignment.verdict], 1, cv2.LINE_AA, tipLength=0.3)
    return picture


def _header(width: int, alignment: Alignment) -> Image:
    right, down = alignment.shift_px
    facts = (
        f"{alignment.verdict}: score {alignment.score:.2f}, shift {signed(right)} {signed(down)} px, "
        f"turn {signed(alignment.rotation_deg)} deg, scale {alignment.scale:.3f}"
    )
    lines = [facts, *textwrap.wrap(alignment.advice, width // _LETTER)]
    strip = np.full((_LINE * len(lines) + 8, width, 3), 250, np.uint8)
    for index, line in enumerate(lines):
        colour = (40, 40, 40) if index else _COLOURS[alignment.verdict]
        cv2.putText(strip, line, (6, _LINE * (index + 1) - 2), _FONT, 0.44, colour, 1, cv2.LINE_AA)
    return strip


def _titled(image: Image, title: str) -> Image:
    picture = image.copy()
    size, _ = cv2.getTextSize(title, _FONT, 0.42, 1)
    cv2.rectangle(picture, (0, 0), (size[0] + 10, 18), (250, 250, 250), -1)
    cv2.putText(picture, title, (5, 13), _FONT, 0.42, (40, 40, 40), 1, cv2.LINE_AA)
    return np.pad(picture, ((1, 1), (1, 1), (0, 0)), constant_values=250).astype(np.uint8)


def _resized(image: Image, factor: float) -> Image:
    if factor == 1.0:
        return image
    size = round(image.shape[1] * factor), round(image.shape[0] * factor)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
