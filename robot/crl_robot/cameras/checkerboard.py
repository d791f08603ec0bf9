"""Calibration from views of a checkerboard: corners, how much of the picture they cover, and the solution.

The method is OpenCV's calibrateCamera (Zhang 2000) with its model of five distortion coefficients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from crl_robot.cameras.calibration import Calibration
from crl_robot.errors import ConfigError

MIN_VIEWS = 6
GOOD_VIEWS, GOOD_COVERAGE, GOOD_TILT_DEG, GOOD_RMS_PX = 15, 0.6, 20.0, 0.5
GRID = (8, 6)
"""Cells across and down in which the coverage is counted."""

Corners = NDArray[np.float32]


@dataclass(frozen=True)
class Board:
    """A checkerboard.

    Attributes:
        columns, rows: inner corners, where four squares meet; one less than there are squares.
        square_m: side of a square. It scales the board's distance only, not the calibration.
    """

    columns: int = 9
    rows: int = 6
    square_m: float = 0.025

    def __post_init__(self) -> None:
        if min(self.columns, self.rows) < 3 or self.columns == self.rows or not self.square_m > 0:
            raise ConfigError(
                f"board has {self.columns}x{self.rows} inner corners of {self.square_m} m, expected at least 3 each "
                "way, two different numbers so that its direction is known, and squares above 0 m"
            )

    @property
    def points(self) -> Corners:
        """(columns * rows, 3) m on the board, z = 0, row by row."""
        grid = np.zeros((self.rows * self.columns, 3), np.float32)
        grid[:, :2] = np.mgrid[: self.columns, : self.rows].T.reshape(-1, 2) * self.square_m
        return grid


@dataclass(frozen=True)
class Report:
    """How good a calibration is.

    Attributes:
        calibration: the solution.
        views: number of views used.
        rms_px: root mean square distance of a corner from where the solution puts it.
        view_px: the same of each view, in the order given.
        coverage: share of the picture's cells that hold a corner of some view.
        cells: corners in each cell, (6, 8).
        tilt_deg: largest angle between the board and the picture plane.
        remarks: what is not good about it and what to do; empty when nothing is.
    """

    calibration: Calibration
    views: int
    rms_px: float
    view_px: tuple[float, ...]
    coverage: float
    cells: NDArray[np.int64]
    tilt_deg: float
    remarks: tuple[str, ...]


def find_corners(image: NDArray[np.uint8], board: Board) -> Corners | None:
    """(columns * rows, 2) pixels of the inner corners in an image uint8 (H, W, 3) RGB; None when not all are seen."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    shape = (board.columns, board.rows)
    found, corners = cv2.findChessboardCornersSB(grey, shape, flags=cv2.CALIB_CB_EXHAUSTIVE)
    if not found:
        return None
    grid = np.asarray(corners, np.float32).reshape(board.rows, board.columns, 2)
    nearest_px = min(float(np.linalg.norm(np.diff(grid, axis=axis), axis=-1).min()) for axis in (0, 1))
    # A window of a third of a square each way sees the four edges that meet in a corner, and no other corner.
    reach = int(np.clip(nearest_px / 3, 2, 11))
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 40, 1e-3)
    refined = cv2.cornerSubPix(grey, grid.reshape(-1, 1, 2), (reach, reach), (-1, -1), criteria)
    return np.asarray(refined, np.float32).reshape(-1, 2)


def cells_covered(views: Sequence[Corners], size: tuple[int, int]) -> NDArray[np.int64]:
    """Corners in each cell of the picture, (6, 8)."""
    points = np.concatenate([*views, np.empty((0, 2), np.float32)])
    bounds = ((0, size[1]), (0, size[0]))
    counts, _, _ = np.histogram2d(points[:, 1], points[:, 0], bins=(GRID[1], GRID[0]), range=bounds)
    return counts.astype(np.int64)


def is_new_view(corners: Corners, views: Sequence[Corners], size: tuple[int, int]) -> bool:
    """Whether its corners lie, on average, a twelfth of the picture's width or more from those of every other view."""
    return all(np.linalg.norm(corners - other, axis=1).mean() > size[0] / 12 for other in views)


def calibrate(camera: str, views: Sequence[Corners], board: Board, size: tuple[int, int]) -> Report:
    """Solve for the calibration.

    Args:
        views: corners of the board in pictures from different sides, each (columns * rows, 2) pixels.
        size: (width, height) of the pictures.

    Raises:
        ConfigError: there are fewer than six views, or they do not determine the camera.
    """
    if len(views) < MIN_VIEWS:
        raise ConfigError(f"{len(views)} views show the whole board, expected at least {MIN_VIEWS}; take more pictures")
    points = [board.points] * len(views)
    try:
        solution = cv2.calibrateCamera(points, list(views), size, np.eye(3), np.zeros(5))
    except cv2.error as error:
        raise ConfigError(f"the views do not determine the camera: {error}; tilt the board more") from error
    rms_px, matrix, distortion = solution[:3]
    turns, shifts = ([np.asarray(vector, np.float64) for vector in vectors] for vectors in solution[3:])
    calibration = Calibration.single(camera, size, matrix, np.asarray(distortion).ravel()[:5])
    view_px = tuple(
        _distance_px(calibration, board, corners, turn, shift)
        for corners, turn, shift in zip(views, turns, shifts, strict=True)
    )
    cells = cells_covered(views, size)
    coverage = float((cells > 0).mean())
    tilt_deg = max(_tilt_deg(turn) for turn in turns)
    remarks = _remarks(len(views), float(rms_px), coverage, tilt_deg, view_px)
    return Report(calibration, len(views), float(rms_px), view_px, coverage, cells, tilt_deg, remarks)


def _distance_px(
    calibration: Calibration, board: Board, corners: Corners, turn: NDArray[np.float64], shift: NDArray[np.float64]
) -> float:
    shown, _ = cv2.projectPoints(board.points, turn, shift, calibration.K, calibration.D)
    return float(np.sqrt(np.mean(np.sum((shown.reshape(-1, 2) - corners) ** 2, axis=1))))


def _tilt_deg(turn: NDArray[np.float64]) -> float:
    rotation, _ = cv2.Rodrigues(turn)
    return float(np.degrees(np.arccos(min(1.0, abs(rotation[2, 2])))))


def _remarks(
    views: int, rms_px: float, coverage: float, tilt_deg: float, view_px: tuple[float, ...]
) -> tuple[str, ...]:
    remarks = []
    if views < GOOD_VIEWS:
        remarks.append(f"{views} views, better {GOOD_VIEWS} or more")
    if coverage < GOOD_COVERAGE:
        remarks.append(f"corners cover {coverage:.0%} of the picture, better {GOOD_COVERAGE:.0%}; go to its edges")
    if tilt_deg < GOOD_TILT_DEG:
        remarks.append(f"the board was tilted {tilt_deg:.0f} deg at most, better {GOOD_TILT_DEG:.0f} and more")
    if rms_px > GOOD_RMS_PX:
        worst = int(np.argmax(view_px))
        remarks.append(
            f"corners are {rms_px:.2f} px off, better {GOOD_RMS_PX} or less; worst is view {worst + 1}: is the board "
            "flat, and was it held still?"
        )
    return tuple(remarks)
