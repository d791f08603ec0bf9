"""`crl-data align`: is a camera where it was when the data were recorded?"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crl_data.verbs.common import Verbs
from crl_robot.errors import ConfigError

if TYPE_CHECKING:
    from crl_data.aligning.align import Alignment
    from crl_data.store import Store

EVERY_S = 1.0
"""Time between two looks of --watch."""


def add(verbs: Verbs) -> None:
    """Add the verb that compares a live view with a store."""
    align = verbs.add_parser("align", help="exit 0 when a camera stands where it stood for the data, 1 when not")
    align.add_argument("store", type=Path)
    align.add_argument("--camera", help="its name in the store (default: the only one)")
    live = align.add_mutually_exclusive_group(required=True)
    live.add_argument("--image", type=Path, help="live view from an image file")
    live.add_argument("--topic", help="live view from a ROS topic, such as /over_shoulder/image_raw")
    live.add_argument("--device", help="live view from a USB camera: its number, or a path such as /dev/v4l/by-id/...")
    align.add_argument(
        "--out", type=Path, default=Path("align.png"), help="overlay to write, a PNG; its folder is made"
    )
    align.add_argument("--watch", action="store_true", help="look again every second until Ctrl-C")
    align.add_argument("--tolerance", type=float, metavar="PX", help="greatest offset that counts as aligned")
    align.add_argument("--json", action="store_true", help="print a JSON object per look")
    align.set_defaults(run=_align)


def _align(arguments: argparse.Namespace) -> int:
    from crl_data.aligning.align import align
    from crl_data.aligning.camera_reference import camera_reference
    from crl_data.aligning.overlay import draw_overlay
    from crl_data.looking.contact_sheet import write_png
    from crl_data.store import Store

    if arguments.out.suffix.lower() != ".png":
        raise ConfigError(f"--out {arguments.out} is no name for the overlay, expected one that ends with .png")
    store = Store.open(arguments.store)
    camera = _camera(store, arguments.camera)
    recorded = camera_reference(store, camera)
    if recorded.start_pose and not arguments.json:
        print(f"camera '{camera}' moves with the arm: put the arm into the pose in which the episodes start")
    verdict = None
    pictures = _pictures(arguments, store.spec.camera(camera).native)
    try:
        for picture in pictures:
            found = align(recorded.reference, picture, arguments.tolerance)
            write_png(draw_overlay(recorded.first, picture, found), arguments.out)
            verdict = found.verdict
            print(json.dumps(_facts(found)) if arguments.json else f"{_line(found)}; see {arguments.out}", flush=True)
            if not arguments.watch:
                break
    except KeyboardInterrupt:
        if not arguments.watch:
            raise
    return 0 if verdict == "aligned" else 1


def _camera(store: Store, name: str | None) -> str:
    if name is None and len(store.spec.cameras) > 1:
        raise ConfigError(
            f"{store.path} has several cameras, choose one with --camera: {', '.join(store.spec.cameras)}"
        )
    name = name or next(iter(store.spec.cameras))
    store.spec.camera(name)
    return name


def _pictures(arguments: argparse.Namespace, size: tuple[int, int]) -> Iterator[Any]:
    if arguments.topic:
        try:
            from crl_data.nodes.align_topic import topic_pictures
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"--topic needs ROS: {error}; source its workspace, or use --image or --device"
            ) from error
        return topic_pictures(arguments.topic, EVERY_S)
    from crl_data.aligning.live import device_pictures, file_pictures

    if arguments.image:
        return file_pictures(arguments.image, EVERY_S)
    return device_pictures(arguments.device, size, EVERY_S)


def _facts(found: Alignment) -> dict[str, Any]:
    names = ("verdict", "score", "found", "offset_px", "shift_px", "rotation_deg", "scale", "brightness", "advice")
    return {name: getattr(found, name) for name in names}


def _line(found: Alignment) -> str:
    from crl_data.aligning.overlay import signed

    if found.verdict == "different_scene":
        return f"different scene (score {found.score:.2f}): {found.advice}"
    right, down = found.shift_px
    return (
        f"{found.verdict} (score {found.score:.2f}): {signed(right)} px right, {signed(down)} px down, "
        f"{signed(found.rotation_deg)} degrees clockwise, scale {found.scale:.3f}, "
        f"brightness {found.brightness:.2f} of the data's: {found.advice}"
    )
