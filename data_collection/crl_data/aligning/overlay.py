"""The picture that `crl-data align` writes: data set, live view, one over the other, and where the view has to go."""

from __future__ import annotations

import textwrap

import cv2
import numpy as np
from numpy.typing import NDArray

from crl_data.aligning.align import Alignment

Image = NDArray[np.uint8]

_WIDEST = 640
_LINE, _LETTER = 20, 8
"""Height of a line and width of a letter of the text above, in pixels."""
_COLOURS = {"aligned": (46, 139, 87), "moved": (217, 119, 43), "different_scene": (192, 57, 43)}
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_overlay(recorded: Image, live: Image, alignment: Alignment) -> Image:
    """uint8 RGB: recorded and live above, below red (recorded) over cyan (live), and live with arrows to their places.

    Where red and cyan fall on each other the picture is grey.
    """
    factor = min(1.0, _WIDEST / live.shape[1])
    small, seen = _resized(recorded, factor), _resized(live, factor)
    panels = [
        _titled(small, "data set"),
        _titled(seen, "live"),
        _titled(_red_cyan(small, seen), "data set red, live cyan"),
        _titled(_arrows(seen, alignment, factor), "live, and where it should be"),
    ]
    body = np.vstack([np.hstack(panels[:2]), np.hstack(panels[2:])])
    return np.vstack([_header(body.shape[1], alignment), body])


def _red_cyan(recorded: Image, live: Image) -> Image:
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (recorded, live)]
    # Equal brightness, so that only edges that do not fit are coloured.
    red, cyan = (np.clip(g * (128.0 / max(float(g.mean()), 1.0)), 0, 255).astype(np.uint8) for g in grey)
    return np.dstack([red, cyan, cyan])


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
        f"{alignment.verdict}: score {alignment.score:.2f}, shift {right:+.1f} {down:+.1f} px, "
        f"turn {alignment.rotation_deg:+.1f} deg, scale {alignment.scale:.3f}"
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
