"""`crl-run report`: one page about one recorded run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_report(verbs: Any) -> None:
    """Add the verb to the sub-parsers of crl-run."""
    report = verbs.add_parser("report", help="write a page about a recorded run: film, goal, progress, timing, safety")
    report.add_argument("folder", metavar="RUN", type=Path, help="folder of the run, such as runs/20261121T170000-ab12")
    report.add_argument("--out", type=Path, metavar="FILE", help="HTML file to write (default: RUN/report.html)")
    report.set_defaults(run=_report)


def _report(arguments: argparse.Namespace) -> int:
    from crl_learning.page.report import write_report
    from crl_learning.runs import open_run

    run = open_run(arguments.folder)
    print(write_report(run, arguments.out or run.folder / "report.html"))
    return 0
