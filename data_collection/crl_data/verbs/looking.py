"""`crl-data info`, `view` and `video`: what a store holds, as tables, pictures, a page and films."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from crl_data.verbs.common import Verbs

if TYPE_CHECKING:
    from crl_data.looking.survey import Survey


def add(verbs: Verbs) -> None:
    """Add the verbs that show stores."""
    from crl_data.verbs import aligning

    info = verbs.add_parser("info", help="show what a store holds, as tables and pictures")
    info.add_argument("store", type=Path)
    info.add_argument("--episodes", action="store_true", help="list every episode, not only the first ones")
    info.add_argument("--json", action="store_true", help="print JSON instead of tables, draw no picture unless --png")
    info.add_argument(
        "--png", type=Path, metavar="DIR", help="folder for the pictures (default: NAME.info by the store)"
    )
    info.set_defaults(run=_info)
    _add_view(verbs)
    _add_video(verbs)
    aligning.add(verbs)


def _add_view(verbs: Verbs) -> None:
    view = verbs.add_parser("view", help="browse episodes on a page in your browser")
    view.add_argument("store", type=Path)
    view.add_argument("--host", default="localhost", help="where to listen; other than localhost needs the token shown")
    view.add_argument("--port", type=int, default=8642, help="0 takes a free one (default: %(default)s)")
    view.set_defaults(run=_view)


def _add_video(verbs: Verbs) -> None:
    video = verbs.add_parser("video", help="write one episode as a film")
    video.add_argument("store", type=Path)
    video.add_argument("episode", help="its id, or its number from 0 in the order of the ids")
    video.add_argument("out", type=Path, help="file to write, e.g. out.mp4; its folder is made")
    video.add_argument("--camera", action="append", help="one camera, may be repeated (default: all, side by side)")
    video.add_argument("--realtime", action="store_true", help="by the true stamps, pauses and gaps included")
    video.add_argument("--speed", type=float, default=1.0, help="times as fast (default: %(default)s)")
    video.add_argument("--caption", action="store_true", help="write step, time and goals below the pictures")
    video.set_defaults(run=_video)


def _info(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from crl_data.looking.episode_table import episode_table
    from crl_data.looking.summary import summarise
    from crl_data.looking.survey import survey
    from crl_data.looking.tables import print_summary
    from crl_data.store import Store

    store = Store.open(arguments.store)
    found = survey(store, progress=sys.stderr.isatty())
    summary = summarise(store, found)
    if arguments.json:
        print(json.dumps(summary, indent=2))
    else:
        console = Console()
        if found.scans:
            console.print(episode_table(found.metas, every=arguments.episodes))
        print_summary(summary, console)
    if found.scans and (arguments.png or not arguments.json):
        written = _pictures(found, arguments.png or store.path.with_suffix(".info"))
        if written:
            print(f"pictures: {', '.join(map(str, written))}", file=sys.stderr if arguments.json else sys.stdout)
    return 1 if found.unreadable else 0


def _pictures(found: Survey, folder: Path) -> list[Path]:
    """Frames where there are cameras, coverage and actions where there is an arm."""
    from crl_data.looking.contact_sheet import write_contact_sheet
    from crl_data.looking.pictures import write_pictures

    store = found.store
    sheet = [write_contact_sheet(store, folder / "contact_sheet.png")] if store.spec.cameras else []
    return sheet + (write_pictures(found, folder) if store.spec.action.moves_an_arm else [])


def _view(arguments: argparse.Namespace) -> int:
    from crl_data.store import Store
    from crl_data.view.server import serve

    def announce(address: str) -> None:
        print(f"{arguments.store}: {address}  (Ctrl-C ends it)", flush=True)

    return serve(Store.open(arguments.store), arguments.host, arguments.port, announce)


def _video(arguments: argparse.Namespace) -> int:
    from crl_data.looking.film import write_film
    from crl_data.store import Store

    store = Store.open(arguments.store)
    print(
        write_film(
            store,
            arguments.episode,
            arguments.out,
            cameras=arguments.camera or (),
            realtime=arguments.realtime,
            speed=arguments.speed,
            caption=arguments.caption,
        )
    )
    return 0
