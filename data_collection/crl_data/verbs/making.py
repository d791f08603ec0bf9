"""`crl-data play`: scripted play in simulation."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import TYPE_CHECKING

from crl_data.verbs.common import Verbs
from crl_data.words import counted, quoted

if TYPE_CHECKING:
    from crl_data.ogbench.settings import OgbenchSettings
    from crl_data.settings import PlaySettings
    from crl_data.store import Store


def add(verbs: Verbs) -> None:
    """Add the verbs that make stores."""
    from crl_data.ogbench.settings import OgbenchSettings
    from crl_data.settings import PlaySettings
    from crl_robot.sim.play_options import PLAYS, TASK_NAMES

    play = verbs.add_parser(
        "play",
        help="record scripted play in simulation",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=f"Record scripted play in simulation. Keys and defaults:\n{_keys(PlaySettings)}\n"
        f"task is a kind of play ({', '.join(PLAYS)}) or a task that an oracle demonstrates:\n"
        f"{', '.join(TASK_NAMES)}.\n"
        "steps=0 means as many as the task needs; cameras are separated by commas;\n"
        "randomisation=full, and randomisation.light.enabled=false or randomisation.light.factor=[0.8,1.2]\n"
        "to change it.\n"
        "task=ogbench/DATASET makes or takes data of OGBench; its keys and defaults:\n"
        f"{_keys(OgbenchSettings)}",
    )
    play.add_argument("settings", nargs="*", metavar="key=value", help="e.g. task=play episodes=400 out=play.zarr")
    play.set_defaults(run=_play, stopped="stopped; what was committed is whole, resume=true continues")


def _keys(settings: type[PlaySettings | OgbenchSettings]) -> str:
    shown = {f.name: str(f.metadata.get("shown", f.default)) for f in fields(settings)}
    return "\n".join(f"  {name}={value}" for name, value in shown.items())


def _play(arguments: argparse.Namespace) -> int:
    store = _fill(arguments.settings)
    count = counted(len(store), "episode")
    print(f"{store.path}: {count}; look at what was recorded with: crl-data info {quoted(store.path)}")
    return 0


def _fill(words: list[str]) -> Store:
    from crl_data.ogbench.names import PREFIX

    if any(word.startswith(f"task={PREFIX}") for word in words):
        from crl_data.ogbench.settings import OgbenchSettings

        settings = OgbenchSettings.from_words(words)
        from crl_data.ogbench.play import play_ogbench

        return play_ogbench(settings)
    from crl_data.settings import PlaySettings

    settings = PlaySettings.from_words(words)
    from crl_data.play import play

    return play(settings)
