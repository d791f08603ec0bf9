"""`crl-data check`, `repair`, `delete`, `merge` and `migrate`: what keeps stores sound and in one place."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from crl_data.verbs.common import STOPPED_BETWEEN, Verbs
from crl_data.words import counted, quoted
from crl_robot.errors import StoreError

if TYPE_CHECKING:
    from crl_data.checking.check import CheckReport

VERDICTS = {0: "sound", 1: "repairable", 2: "damaged"}
"""What the exit codes of check and repair mean."""


def add(verbs: Verbs) -> None:
    """Add the verbs that look after stores."""
    check = verbs.add_parser("check", help="exit 0 sound, 1 repairable, 2 damaged")
    check.add_argument("store", type=Path)
    check.set_defaults(run=_check)

    repair = verbs.add_parser(
        "repair", help="remove what cut-short commits left over; exit code as of a check after it"
    )
    repair.add_argument("store", type=Path)
    repair.add_argument(
        "--pending",
        choices=("keep", "accept", "discard"),
        default="keep",
        help="what becomes of complete episodes that nobody accepted or discarded (default keep)",
    )
    repair.set_defaults(run=_repair)

    delete = verbs.add_parser("delete", help="remove episodes for good")
    delete.add_argument("store", type=Path)
    delete.add_argument("episodes", nargs="+", metavar="ID", help="ids of episodes; all must exist, or none is removed")
    delete.add_argument("--yes", action="store_true", help="needed, since it cannot be undone")
    delete.set_defaults(run=_delete)

    merge = verbs.add_parser("merge", help="copy the episodes of stores into one, which is made when missing")
    merge.add_argument("target", type=Path, help="store to add to")
    merge.add_argument("sources", type=Path, nargs="+", metavar="source", help="stores to copy from; left as they are")
    merge.set_defaults(run=_merge, stopped=STOPPED_BETWEEN)

    migrate = verbs.add_parser("migrate", help="copy a store of an older schema version into a new one")
    migrate.add_argument("old", type=Path, help="left as it is")
    migrate.add_argument("new", type=Path)
    migrate.set_defaults(run=_migrate, stopped=STOPPED_BETWEEN)


def _check(arguments: argparse.Namespace) -> int:
    from crl_data.checking.check import check_store

    report = check_store(arguments.store)
    for line in report.warnings:
        print(f"warning: {line}")
    _tell_damage(report, arguments.store)
    for folder in report.recording:
        print(f"being written: {folder}")
    for folder in report.pending:
        print(f"waiting: {folder}; accept or discard it: {_repair_hint(arguments.store)} --pending accept (or discard)")
    for folder in report.leftovers:
        print(f"left over: {folder}; a commit was cut short; remove it: {_repair_hint(arguments.store)}")
    print(f"{arguments.store}: {counted(report.episodes, 'episode')}, {VERDICTS[report.exit_code]}")
    return report.exit_code


def _tell_damage(report: CheckReport, store: Path) -> None:
    """What is damaged, and what can be done about it."""
    for line in report.damage:
        print(f"damaged: {line}")
    if report.damaged:
        ids = " ".join(report.damaged)
        print(f"restore them from a copy, or remove them: crl-data delete {quoted(store)} {ids} --yes")


def _repair_hint(store: Path) -> str:
    return f"crl-data repair {quoted(store)}"


def _repair(arguments: argparse.Namespace) -> int:
    from crl_data.checking.check import check_store
    from crl_data.checking.repair import repair_store

    report = repair_store(arguments.store, arguments.pending)
    for folder in report.removed:
        print(f"removed: {folder}")
    for folder in report.recording:
        print(f"left alone: {folder}; it is being written")
    for word in ("accepted", "discarded", "waiting"):
        for episode_id in getattr(report, word):
            print(f"{word}: episode {episode_id}")
    for reason in report.refused:
        print(f"not accepted: {reason}")
    removed = counted(len(report.removed), "left-over folder")
    print(f"{arguments.store}: {removed} removed, no committed episode was touched")
    left = check_store(arguments.store)
    if left.exit_code:
        _tell_damage(left, arguments.store)
        print(f"still {VERDICTS[left.exit_code]}: repair mends no data; look: crl-data check {quoted(arguments.store)}")
    return left.exit_code


def _delete(arguments: argparse.Namespace) -> int:
    from crl_data.store import Store

    store = Store.open(arguments.store)
    known = set(store.episode_ids())
    for episode_id in arguments.episodes:
        if episode_id not in known:
            raise StoreError(
                f"{store.path} has no episode '{episode_id}', so none was deleted; "
                f"ids are listed by: crl-data info {quoted(store.path)} --episodes"
            )
    if not arguments.yes:
        count = counted(len(arguments.episodes), "episode")
        raise StoreError(f"{count} would be deleted for good; add --yes to do it")
    for episode_id in arguments.episodes:
        store.delete(episode_id)
        print(f"deleted: {episode_id}")
    return 0


def _merge(arguments: argparse.Namespace) -> int:
    from crl_data.maintenance import merge

    store, added = merge(arguments.target, arguments.sources)
    print(f"{store.path}: {counted(added, 'episode')} added, {len(store)} in all")
    return 0


def _migrate(arguments: argparse.Namespace) -> int:
    from crl_data.maintenance import migrate

    store = migrate(arguments.old, arguments.new)
    print(f"{store.path}: {counted(len(store), 'episode')}; {arguments.old} was not changed")
    return 0
