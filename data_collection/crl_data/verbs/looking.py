"""`crl-data info` and `video`: what a store holds, as tables, pictures and films."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from crl_data.verbs.common import Verbs


def add(verbs: Verbs) -> None:
    """Add the verbs that show stores."""
    info = verbs.add_parser("info", help="show what a store holds, as a table and a contact sheet")
    info.add_argument("store", type=Path)
    info.add_argument("--json", action="store_true", help="print JSON instead of tables, draw no picture unless --png")
    info.add_argument("--png", type=Path, help="where to write the contact sheet (default: beside the store)")
    info.set_defaults(run=_info)

    video = verbs.add_parser("video", help="write the frames of one episode as an mp4 file")
    video.add_argument("store", type=Path)
    video.add_argument("episode", help="its id, or its number from 0 in the order of the ids")
    video.add_argument("out", type=Path, help="file to write")
    video.add_argument("--camera", help="default: the store's first")
    video.set_defaults(run=_video)


def _info(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from crl_data.contact_sheet import write_contact_sheet
    from crl_data.store import Store
    from crl_data.summary import summarise
    from crl_data.tables import print_summary

    store = Store.open(arguments.store)
    summary = summarise(store)
    picture = arguments.png
    if arguments.json:
        print(json.dumps(summary, indent=2))
    else:
        print_summary(summary, Console())
        picture = picture or store.path.with_suffix(".png")
    if picture and summary["episodes"]:
        write_contact_sheet(store, picture)
        print(f"contact sheet: {picture}", file=sys.stderr if arguments.json else sys.stdout)
    return 0


def _video(arguments: argparse.Namespace) -> int:
    from crl_data.store import Store
    from crl_robot.video import write_video

    store = Store.open(arguments.store)
    ids = store.episode_ids()
    number = int(arguments.episode) if arguments.episode.isdecimal() else len(ids)
    meta = store.meta(ids[number] if number < len(ids) else arguments.episode)
    track = store.track(meta, arguments.camera or next(iter(store.spec.cameras)))
    frames = (track.frame(step) for step in range(len(track)))
    print(write_video(arguments.out, frames, store.spec.action.rate_hz))
    return 0
