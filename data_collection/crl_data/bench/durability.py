"""Is a committed episode ever lost? Kills, full and read-only disks, full memory, power loss, two writers at once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rich.progress import Progress

from crl_data.bench.crashes.content import ENCODINGS
from crl_data.bench.crashes.full_disk import full_disk_rows
from crl_data.bench.crashes.kills import SHARES, kill_rows
from crl_data.bench.crashes.power_loss import memory_folder, power_loss_rows, record_session
from crl_data.bench.crashes.recorder_kills import recorder_rows, why_no_recorder
from crl_data.bench.crashes.refusals import memory_rows, read_only_row, rival_rows
from crl_data.bench.crashes.small_disk import why_no_small_disk
from crl_data.bench.machine import machine_facts
from crl_data.progress import progress_bar

WORKS = tuple(kind.name for kind, _ in SHARES)
FULL_DISKS_PER_KILL = 0.25
RECORDER_KILLS_PER_KILL = MEMORY_RUNS_PER_KILL = 0.1
RIVAL_RUNS_PER_KILL = 0.05

Row = dict[str, Any]


def run(
    *,
    kills: int = 200,
    full_disk: int | None = None,
    seed: int = 0,
    folder: Path | None = None,
    recorder_kills: int | None = None,
    power_loss: bool = True,
    progress: bool = True,
) -> dict[str, Any]:
    """Go through all campaigns; returns flat facts, and all runs under ``rows``.

    Args:
        kills: how often a writing, deleting, merging or migrating process is killed.
        full_disk: how many disks run full; a quarter of ``kills`` when None.
        recorder_kills: how often the recorder node is killed while it records over ROS; a tenth of ``kills`` when None.
        seed: of contents, moments and what a disk loses.
        folder: where to write; it decides which disk is used. A temporary folder when None.
        power_loss: replay a session to every operation, once for each encoding.

    Raises:
        StoreError: a child does not start or does not end.
        GraphError: a node of the recorder's graph does not start.
    """
    disks = round(kills * FULL_DISKS_PER_KILL) if full_disk is None else full_disk
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="crl-durability-", dir=folder))
    rows: list[Row] = []
    notes: dict[str, Any] = {}
    try:
        with progress_bar("durability", "runs", enabled=progress) as bar:
            rows += _counted(bar, "kills", kills, kill_rows(kills, seed, place))
            rows += _on_small_disks(bar, disks, seed, place, notes)
            starved, rivals = (round(kills * part) or 2 for part in (MEMORY_RUNS_PER_KILL, RIVAL_RUNS_PER_KILL))
            rows += _counted(bar, "memory", starved, memory_rows(starved, seed, place))
            rows += _counted(bar, "two writers", rivals, rival_rows(rivals, seed, place))
            over_ros = round(kills * RECORDER_KILLS_PER_KILL) if recorder_kills is None else recorder_kills
            rows += _recorder(bar, over_ros, seed, place, notes)
            for encoding in ENCODINGS if power_loss else ():
                session = place / f"session-{encoding}"
                (session / "root").mkdir(parents=True)
                recording = record_session(session / "root", session / "source.zarr", seed, encoding)
                task = bar.add_task(f"power loss, {encoding}", total=recording.operations)
                notes["power_loss_prefixes"] = notes.get("power_loss_prefixes", 0) + recording.operations
                states = memory_folder(session / "state")
                rows += power_loss_rows(recording, states, seed, advance=lambda task=task: bar.advance(task))
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return summarize(rows) | notes | {"seed": seed, **machine_facts(), "rows": rows}


def summarize(rows: Iterable[Row]) -> dict[str, Any]:
    """The facts that all rows come to."""
    rows = list(rows)
    killed = [row for row in rows if row["work"] in WORKS and row["exit_code"] != 0]
    unharmed = [row for row in rows if row["work"] in WORKS and row["exit_code"] == 0]
    works = [row["work"] for row in [*killed, *(row for row in rows if row["work"] not in WORKS)]]
    problems = [problem for row in rows for problem in row["problems"]]
    return {
        "sound": not any(row["lost"] or row["changed"] or row["problems"] for row in rows),
        "kills": len(killed),
        "sigterms": sum(row.get("signal") == "TERM" for row in killed),
        **{f"kills_while_{work}": works.count(work) for work in WORKS},
        "ended_before_their_moment": len(unharmed),
        "episodes_promised": sum(row["promised"] for row in rows),
        "episodes_lost": sum(len(row["lost"]) for row in rows),
        "episodes_changed": sum(len(row["changed"]) for row in rows),
        "stores_unopenable": sum("cannot be opened" in problem for problem in problems),
        "other_problems": len(problems),
        "first_problem": problems[0] if problems else "",
        "recorder_kills": works.count("recorder"),
        "recorder_episodes": sum(row.get("episodes", 0) for row in rows),
        "full_disk_runs": works.count("full disk"),
        "read_only_runs": works.count("read-only"),
        "memory_runs": works.count("memory"),
        "memory_ran_out": sum(row["work"] == "memory" and bool(row["refusal"]) for row in rows),
        "two_writer_runs": works.count("two writers"),
        "power_loss_states": works.count("power loss"),
    }


def _on_small_disks(bar: Progress, disks: int, seed: int, place: Path, notes: dict[str, Any]) -> Iterator[Row]:
    """Full and read-only disks, or a note why there are none."""
    why_not = why_no_small_disk(place / "trial")
    notes["small_disks"] = why_not or "tmpfs"
    if not why_not:
        yield from _counted(bar, "full disks", disks, full_disk_rows(disks, seed, place))
        yield from _counted(bar, "read-only", 1, [read_only_row(seed, place)])


def _recorder(bar: Progress, kills: int, seed: int, place: Path, notes: dict[str, Any]) -> Iterator[Row]:
    """Kills of the recorder node, or a note why there are none."""
    notes["recorder"] = why_no_recorder() or "over ROS"
    if kills and not why_no_recorder():
        yield from _counted(bar, "recorder kills", kills, recorder_rows(kills, seed, place / "recorder"))


def _counted(bar: Progress, what: str, total: int, rows: Iterable[Row]) -> Iterator[Row]:
    task = bar.add_task(what, total=total)
    for row in rows:
        bar.advance(task)
        yield row
