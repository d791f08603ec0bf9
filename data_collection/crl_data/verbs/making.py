"""`crl-data play`: scripted play in simulation."""

from __future__ import annotations

import argparse
from dataclasses import fields

from crl_data.verbs.common import Verbs
from crl_data.words import counted, quoted


def add(verbs: Verbs) -> None:
    """Add the verbs that make stores."""
    from crl_data.settings import PlaySettings

    keys = "\n".join(f"  {f.name}={f.default!r}".replace("'", "") for f in fields(PlaySettings))
    play = verbs.add_parser(
        "play",
        help="record scripted play in simulation",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=f"Record scripted play in simulation. Keys and defaults:\n{keys}\n"
        "task is play (noisy mixture), or reach or push (demonstrations); cameras are separated by commas.",
    )
    play.add_argument("settings", nargs="*", metavar="key=value", help="e.g. task=play episodes=400 out=play.zarr")
    play.set_defaults(run=_play, stopped="stopped; what was committed is whole, resume=true continues")


def _play(arguments: argparse.Namespace) -> int:
    from crl_data.settings import PlaySettings

    settings = PlaySettings.from_words(arguments.settings)
    from crl_data.play import play

    store = play(settings)
    count = counted(len(store), "episode")
    print(f"{store.path}: {count}; look at what was recorded with: crl-data info {quoted(store.path)}")
    return 0
