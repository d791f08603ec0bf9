"""The checkerboard command: pictures or a live camera in, a camera_info file out.

python -m crl_robot.cameras.calibrate --board 9x6 --square 0.025 --out wrist.yaml pictures/
python -m crl_robot.cameras.calibrate --board 9x6 --square 0.025 --out wrist.yaml --device /dev/v4l/by-id/usb-...
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from crl_robot.cameras.calibration import save_calibration
from crl_robot.cameras.checkerboard import Board, Report, calibrate
from crl_robot.cameras.kinds import KINDS, CameraConfig, open_camera
from crl_robot.cameras.views import Say, coverage_map, views_from_camera, views_from_folder
from crl_robot.errors import ConfigError, CrlError


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


def add(verbs: Any) -> None:
    """Add the verb `calibrate` to the subparsers of a command."""
    parser = verbs.add_parser("calibrate", help="calibrate a camera with a checkerboard")
    _add_flags(parser)
    parser.set_defaults(run=run)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command alone; returns its exit code: that of `run`, or 2 when nothing was written."""
    parser = argparse.ArgumentParser(description="Calibrate a camera with a checkerboard")
    _add_flags(parser)
    try:
        return run(parser.parse_args(arguments))
    except CrlError as error:
        Console(stderr=True, markup=False, highlight=False).print(f"error: {error}")
        return 2


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


def _add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pictures", nargs="?", type=Path, help="folder of pictures; left out: a live camera")
    parser.add_argument("--out", type=Path, required=True, help="YAML file to write, in ROS's camera_info format")
    parser.add_argument("--board", default="9x6", help="inner corners, across x down (default: %(default)s)")
    parser.add_argument("--square", type=float, default=0.025, help="side of a square, m (default: %(default)s)")
    parser.add_argument("--name", default="", help="name of the camera (default: that of the file)")
    live = parser.add_argument_group("live camera")
    live.add_argument("--kind", choices=KINDS, default="uvc", help="default: %(default)s")
    live.add_argument("--device", default="0", help="path or number, serial number, or video file")
    live.add_argument("--size", default="640x480", help="native size in pixels (default: %(default)s)")
    live.add_argument("--fps", type=float, default=30.0, help="frames a second (default: %(default)s)")
    live.add_argument("--focus", type=float, help="lock the focus at this value of the driver")
    live.add_argument("--exposure", type=float, help="lock the exposure at this value of the driver")
    live.add_argument("--views", type=int, default=20, help="views to take (default: %(default)s)")
    live.add_argument("--keep", type=Path, help="folder that gets the pictures of the views")


if __name__ == "__main__":
    sys.exit(main())
