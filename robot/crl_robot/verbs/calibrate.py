"""`crl-robot calibrate`: a checkerboard before a camera, and a camera_info file out."""

from __future__ import annotations

import argparse
from pathlib import Path

from crl_robot.verbs.common import Verbs


def add(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "calibrate",
        help="calibrate a camera with a checkerboard",
        description="Exit code 0: written and good; 1: written, with remarks; 2: nothing written. See docs/cameras.md.",
    )
    parser.add_argument("pictures", nargs="?", type=Path, help="folder of pictures; left out: a live camera")
    parser.add_argument("--out", type=Path, required=True, help="YAML file to write, in ROS's camera_info format")
    parser.add_argument("--board", default="9x6", help="inner corners, across x down (default: %(default)s)")
    parser.add_argument("--square", type=float, default=0.025, help="side of a square, m (default: %(default)s)")
    parser.add_argument("--name", default="", help="name of the camera (default: that of the file)")
    live = parser.add_argument_group("live camera")
    live.add_argument("--kind", default="uvc", help="uvc, realsense or file (default: %(default)s)")
    live.add_argument("--device", default="0", help="path or number, serial number, or video file")
    live.add_argument("--size", default="640x480", help="native size in pixels (default: %(default)s)")
    live.add_argument("--fps", type=float, default=30.0, help="frames a second (default: %(default)s)")
    live.add_argument("--focus", type=float, help="lock the focus at this value of the driver")
    live.add_argument("--exposure", type=float, help="lock the exposure at this value of the driver")
    live.add_argument("--views", type=int, default=20, help="views to take (default: %(default)s)")
    live.add_argument("--keep", type=Path, help="folder that gets the pictures of the views")
    parser.set_defaults(run=_calibrate)


def _calibrate(arguments: argparse.Namespace) -> int:
    from crl_robot.cameras.calibrate import run

    return run(arguments)
