"""kill -9 and SIGTERM at random moments, and at random operations on the disk."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from crl_data.bench.crashes.content import ENCODINGS
from crl_data.bench.crashes.processes import Words
from crl_data.bench.crashes.scenes import Deleting, Merging, Migrating, Recording, Scene
from crl_data.schema import Encoding

SHARES: tuple[tuple[type[Scene], float], ...] = ((Recording, 0.7), (Deleting, 0.1), (Merging, 0.1), (Migrating, 0.1))
"""Part of the kills that hits each kind of work."""
TERM_EVERY = 8
"""Every n-th signal is SIGTERM, which lets a program end its own way."""

Row = dict[str, Any]


def kill_rows(kills: int, seed: int, folder: Path) -> Iterator[Row]:
    """Kill as many children, and say of each what it was doing and what was left.

    An unharmed run of each kind of work tells how long it takes and how many operations it is. A child that ended
    before its moment came has a row too, and another is killed instead.
    """
    rng = np.random.default_rng((seed, 1))
    for kind, count in _shared_out(kills):
        unharmed = {encoding: _unharmed(kind, folder, seed, encoding) for encoding in ENCODINGS if count}
        hits = scenes = 0
        while hits < count:
            encoding, scene_seed = ENCODINGS[scenes % len(ENCODINGS)], int(rng.integers(2**31))
            scene = kind(folder / f"{kind.name}-{scene_seed}", scene_seed, encoding)
            for run in range(min(kind.runs, count - hits)):
                row = _run(scene, run, unharmed[encoding], rng)
                hits += row["exit_code"] != 0
                yield {"work": kind.name, "encoding": encoding, "seed": scene_seed, **row}
            shutil.rmtree(scene.folder)
            scenes += 1


def _unharmed(kind: type[Scene], folder: Path, seed: int, encoding: Encoding) -> Words:
    """What a child tells that nobody kills."""
    return kind(folder / f"{kind.name}-{encoding}", seed, encoding).start(0).end()


def _shared_out(kills: int) -> list[tuple[type[Scene], int]]:
    counts = [(kind, round(kills * share)) for kind, share in SHARES[1:]]
    return [(SHARES[0][0], kills - sum(count for _, count in counts)), *counts]


def _run(scene: Scene, run: int, whole: Words, rng: np.random.Generator) -> Row:
    operations = int(whole.of("operations")[0])
    if rng.random() < 0.5:
        moment: Row = {"operation": int(rng.integers(1, operations + 1))}
        words = scene.start(run, die_after=moment["operation"]).end()
    else:
        term = rng.integers(TERM_EVERY) == 0
        moment = {"second": round(float(rng.uniform(0, whole.seconds)), 6), "signal": "TERM" if term else "KILL"}
        words = scene.start(run).end(moment["second"], signal.SIGTERM if term else signal.SIGKILL)
    scene.promises.hear(words.told)
    promised = len(scene.promises.kept | scene.promises.waiting)
    verdict = scene.judge(run)
    last = words.told[-1] if words.told else ("", "")
    row = verdict.row(scene.promises) | {"promised": promised}
    return {**moment, "exit_code": words.exit_code, "last": f"{last[0]} {last[1]}".strip(), **row}
