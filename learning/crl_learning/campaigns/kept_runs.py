"""Does a recorded run open, whatever was killed while it was recorded?"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from crl_data.checking.check import DAMAGED, check_store
from crl_learning.runs import Run, open_run
from crl_learning.runs.folder import DATA
from crl_robot.errors import CrlError

FEW_TICKS = 6
"""A run of fewer may have been over before the arm took an action, or before a recorder that came back had heard of the
arm; then there is no step to keep."""


def complaint(folder: Path, cut_off: bool) -> str:
    """What is wrong with a recorded run; '' when nothing is.

    Args:
        cut_off: whether its recorder was killed: then its run.json does not say how it ended, and it has no episode.
    """
    try:
        run = open_run(folder)
        if run.cut_off != cut_off:
            return f"run.json says ended={run.facts['ended']}, its recorder was {'killed' if cut_off else 'not killed'}"
        short = _acted(run) < FEW_TICKS
        if short and not (folder / DATA).exists():
            return ""
        if not (short or cut_off or run.facts["episode"]):
            return f"it has no episode: {run.facts.get('failure', '')}"
        if not (short or run.goals()):
            return "it has no goal"
        report = check_store(folder / DATA, progress=False)
        episode = run.episode()
    except CrlError as error:
        return str(error)
    if report.exit_code == DAMAGED:
        return "; ".join(report.damage)
    if episode is not None and len(episode) != run.facts["steps"]:
        return f"its episode has {len(episode)} steps, run.json says {run.facts['steps']}"
    return ""


def _acted(run: Run) -> int:
    """Ticks with an action since the recording began: the newest ones from before are handed over to it."""
    begun_ns = min((event["stamp_ns"] for event in run.events()), default=0)
    return sum(tick["acting"] and tick["stamp_ns"] >= begun_ns for tick in run.ticks())


def judge_runs(runs: Path, cut_off: Iterable[str], kept: Path) -> tuple[int, dict[str, str]]:
    """Number of runs in a folder, and what is wrong with each that is unsound; the folder is empty afterwards.

    Args:
        cut_off: names of the runs whose recorder was killed.
        kept: gets those that are unsound.
    """
    killed, complaints = set(cut_off), {}
    folders = sorted(folder for folder in runs.glob("*") if folder.is_dir())
    for folder in folders:
        words = complaint(folder, folder.name in killed)
        if not words:
            shutil.rmtree(folder)
            continue
        complaints[folder.name] = words
        kept.mkdir(parents=True, exist_ok=True)
        shutil.move(folder, kept / folder.name)
    return len(folders), complaints
