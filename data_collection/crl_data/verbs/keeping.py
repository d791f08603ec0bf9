"""`crl-data check` and `repair`: is a store sound, and how does it get sound again?"""

from __future__ import annotations

import argparse
from pathlib import Path

from crl_data.verbs.common import Verbs


def add(verbs: Verbs) -> None:
    """Add the verbs that look after stores."""
    check = verbs.add_parser("check", help="exit 0 sound, 1 repairable, 2 damaged")
    check.add_argument("store", type=Path)
    check.set_defaults(run=_check)

    repair = verbs.add_parser("repair", help="remove what cut-short commits left over; only while nothing records")
    repair.add_argument("store", type=Path)
    repair.set_defaults(run=_repair)


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
