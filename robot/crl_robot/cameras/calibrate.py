"""What `crl-robot calibrate` does: pictures of a checkerboard or a live camera in, a camera_info file out."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from crl_robot.cameras.calibration import save_calibration
from crl_robot.cameras.checkerboard import Board, Report, calibrate
from crl_robot.cameras.kinds import CameraConfig, open_camera
from crl_robot.cameras.views import Say, coverage_map, views_from_camera, views_from_folder
from crl_robot.errors import ConfigError


def describe(report: Report) -> str:
    """The report in words."""
    calibration = report.calibration
    matrix, worst = calibration.K, int(np.argmax(report.view_px))
    lines = [
        f"{report.views} views, {calibration.size[0]}x{calibration.size[1]} pixels",
        f"focal lengths {matrix[0, 0]:.1f} {matrix[1, 1]:.1f}, centre {matrix[0, 2]:.1f} {matrix[1, 2]:.1f} px",
        f"distortion {' '.join(f'{value:.4f}' for value in calibration.D)}",
        f"corners off by {report.rms_px:.3f} px (rms), worst view {worst + 1}: {report.view_px[worst]:.3f} px",
        f"coverage {report.coverage:.0%}, largest tilt {report.tilt_deg:.0f} deg",
        coverage_map(report.cells),
    ]
    return "\n".join([*lines, *(f"not good: {remark}" for remark in report.remarks)])


def run(options: argparse.Namespace) -> int:
    """Write the file and say how good it is; returns 0 when it is good, 1 when there are remarks. Raises CrlError."""
    console = Console(markup=False, highlight=False)
    report = _calibrate(options, console.print)
    console.print(describe(report))
    console.print(f"written: {options.out}")
    return 1 if report.remarks else 0


def _calibrate(options: argparse.Namespace, say: Say) -> Report:
    board = Board(*_pair(options.board), options.square)
    name = options.name or options.out.stem
    if not options.out.parent.is_dir():
        raise ConfigError(f"{options.out.parent} is no folder; make it, or give another --out")
    if options.pictures is not None:
        views, size = views_from_folder(options.pictures, board, say)
    else:
        locks = {"focus": options.focus, "exposure": options.exposure}
        size = _pair(options.size)
        config = CameraConfig(name, options.kind, options.device, size, options.fps, max_age_s=2.0, **locks)
        with closing(open_camera(config, notify=say)) as camera:
            views = views_from_camera(camera, board, options.views, say, _keeper(options.keep))
    report = calibrate(name, views, board, size)
    save_calibration(options.out, report.calibration)
    return report


def _keeper(folder: Path | None) -> Callable[[int, NDArray[np.uint8]], None]:
    def keep(number: int, image: NDArray[np.uint8]) -> None:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / f"view_{number:02}.png"), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))

    return keep


def _pair(text: str) -> tuple[int, int]:
    first, _, second = text.partition("x")
    if not (first.isdecimal() and second.isdecimal()):
        raise ConfigError(f"{text!r} is not of the form 9x6")
    return int(first), int(second)
