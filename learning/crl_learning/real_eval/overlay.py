"""What helps an operator to put a scene back: live view and wanted view as one, and how much they differ."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from crl_learning.demo_verdict import picture_difference

Image = NDArray[np.uint8]
_LINE = 22


def scene_overlay(live: Image, start: Image | None, goal: Image | None) -> Image:
    """uint8 RGB, three panels: live over wanted start, the wanted start, the goal. What is not known is left out.

    In the first panel things that stand where they belong look solid, others are seen twice and half through.
    """
    panels = [(live, "live: no start picture yet, this one will be kept")]
    if start is not None:
        blend = cv2.addWeighted(live, 0.5, start, 0.5, 0)
        words = f"live and start: {picture_difference(live, start):.1f} of 255 apart"
        panels = [(np.asarray(blend, dtype=np.uint8), words), (start, "start")]
    if goal is not None:
        panels.append((goal, "goal"))
    return np.hstack([_titled(image, words) for image, words in panels])


def _titled(image: Image, words: str) -> Image:
    line = np.full((_LINE, image.shape[1], 3), 250, np.uint8)
    cv2.putText(line, words, (5, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (30, 30, 30), 1, cv2.LINE_AA)
    return np.pad(np.vstack([line, image]), ((0, 0), (0, 4), (0, 0)), constant_values=250).astype(np.uint8)
