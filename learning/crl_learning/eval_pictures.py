"""Small pictures of trials: goal image and final view, for the page's failures and for the sheet of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from crl_robot.errors import ContractError

SIZE = (160, 120)
QUALITY = 88
PAIRS = 50
"""Trials on one sheet."""
COLUMNS = 5
CAPTION_HEIGHT = 18
BORDER = 3
GREEN, RED = (30, 130, 60), (190, 50, 40)

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Pictures:
    """Goal image and what the camera saw at the end, as JPEG files of `SIZE`."""

    goal: bytes
    final: bytes

    @classmethod
    def take(cls, goal: Image, final: Image) -> Pictures:
        """From two images uint8 (H, W, 3) RGB."""
        return cls(_shrunk(goal), _shrunk(final))

    def images(self) -> tuple[Image, Image]:
        """Goal and final as uint8 (h, w, 3) RGB."""
        return _decoded(self.goal), _decoded(self.final)


@dataclass(frozen=True)
class Pair:
    """One cell of a sheet: the pictures of a trial, a line below them, and the verdict as the colour of both."""

    pictures: Pictures
    caption: str
    success: bool


def write_pairs(path: Path, pairs: Sequence[Pair], columns: int = COLUMNS) -> Path:
    """Write a PNG with one cell a pair: goal image left, final view right, caption below; a success has a green frame.

    Raises:
        ContractError: there is no pair.
    """
    if not pairs:
        raise ContractError(f"no trials to draw on {path}, expected at least one")
    cells = [_cell(pair) for pair in pairs]
    columns = min(columns, len(cells))
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % columns)
    rows = [np.hstack(cells[first : first + columns]) for first in range(0, len(cells), columns)]
    sheet = np.vstack(rows)
    head = _line(
        sheet.shape[1], "goal image left, final view right; green: the success test says yes, red: no", (0, 0, 0)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.vstack([head, sheet])[..., ::-1])
    return path


def _cell(pair: Pair) -> Image:
    goal, final = pair.pictures.images()
    both = np.hstack([goal, np.full((goal.shape[0], BORDER, 3), 255, np.uint8), final])
    colour = GREEN if pair.success else RED
    line = _line(both.shape[1], pair.caption, colour)
    framed = cv2.copyMakeBorder(
        np.vstack([both, line]), BORDER, BORDER, BORDER, BORDER, cv2.BORDER_CONSTANT, value=colour
    )
    gap = 2 * BORDER
    return cv2.copyMakeBorder(framed, 0, gap, 0, gap, cv2.BORDER_CONSTANT, value=(255, 255, 255)).astype(np.uint8)


def _line(width: int, words: str, colour: tuple[int, int, int]) -> Image:
    line = np.full((CAPTION_HEIGHT, width, 3), 255, np.uint8)
    cv2.putText(line, words, (3, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA)
    return line


def _shrunk(image: Image) -> bytes:
    small = cv2.resize(image, SIZE, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, QUALITY))[1].tobytes()


def _decoded(coded: bytes) -> Image:
    return np.asarray(cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_COLOR_RGB), dtype=np.uint8)
