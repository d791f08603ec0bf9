"""`crl-data`: make, look at and check trajectory stores."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from crl_robot.errors import CrlError


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code (2 for a refusal)."""
    parsed = _parser().parse_args(arguments)
    try:
        return parsed.run(parsed)
    except CrlError as error:
        print(f"crl-data: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("crl-data: stopped; what was committed is whole, resume=true continues", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    from crl_data.settings import PlaySettings

    parser = argparse.ArgumentParser(prog="crl-data", description="Make, look at and check trajectory stores.")
    verbs = parser.add_subparsers(dest="verb", required=True)

    keys = "\n".join(f"  {f.name}={f.default!r}".replace("'", "") for f in fields(PlaySettings))
    play = verbs.add_parser(
        "play",
        help="record scripted play in simulation",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=f"Record scripted play in simulation. Keys and defaults:\n{keys}\n"
        "task is play (noisy mixture), or reach or push (demonstrations); cameras are separated by commas.",
    )
    play.add_argument("settings", nargs="*", metavar="key=value", help="e.g. task=play episodes=400 out=play.zarr")
    play.set_defaults(run=_play)

    info = verbs.add_parser("info", help="show what a store holds, as a table and a contact sheet")
    info.add_argument("store", type=Path)
    info.add_argument("--json", action="store_true", help="print JSON instead of tables, draw no picture unless --png")
    info.add_argument("--png", type=Path, help="where to write the contact sheet (default: beside the store)")
    info.set_defaults(run=_info)

    check = verbs.add_parser("check", help="exit 0 sound, 1 repairable, 2 damaged")
    check.add_argument("store", type=Path)
    check.set_defaults(run=_check)

    repair = verbs.add_parser("repair", help="remove what cut-short commits left over; only while nothing records")
    repair.add_argument("store", type=Path)
    repair.set_defaults(run=_repair)

    video = verbs.add_parser("video", help="write the frames of one episode as an mp4 file")
    video.add_argument("store", type=Path)
    video.add_argument("episode", help="its id, or its number from 0 in the order of the ids")
    video.add_argument("out", type=Path, help="file to write")
    video.add_argument("--camera", help="default: the store's first")
    video.set_defaults(run=_video)
    return parser


def _play(arguments: argparse.Namespace) -> int:
    from crl_data.settings import PlaySettings

    settings = PlaySettings.from_words(arguments.settings)
    from crl_data.play import play

    store = play(settings)
    print(f"{store.path}: {len(store)} episodes; look at them with: crl-data info {store.path}")
    return 0


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


def _check(arguments: argparse.Namespace) -> int:
    from crl_data.check import check_store

    report = check_store(arguments.store)
    for line in report.damage:
        print(f"damaged: {line}")
    for folder in report.leftovers:
        print(f"left over: {folder}; a commit was cut short or is running; 'crl-data repair' removes it")
    verdict = {0: "sound", 1: "repairable", 2: "damaged"}[report.exit_code]
    print(f"{arguments.store}: {report.episodes} episodes, {verdict}")
    return report.exit_code


def _repair(arguments: argparse.Namespace) -> int:
    from crl_data.check import repair_store

    removed = repair_store(arguments.store)
    for folder in removed:
        print(f"removed: {folder}")
    print(f"{arguments.store}: {len(removed)} left-over folders removed, no episode was touched")
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


if __name__ == "__main__":
    sys.exit(main())
