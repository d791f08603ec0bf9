"""`crl-data check`, `repair`, `delete`, `merge` and `migrate`: what keeps stores sound and in one place."""

from __future__ import annotations

import argparse
from pathlib import Path

from crl_data.verbs.common import Verbs
from crl_robot.errors import StoreError


def add(verbs: Verbs) -> None:
    """Add the verbs that look after stores."""
    check = verbs.add_parser("check", help="exit 0 sound, 1 repairable, 2 damaged")
    check.add_argument("store", type=Path)
    check.set_defaults(run=_check)

    repair = verbs.add_parser("repair", help="remove what cut-short commits left over; episodes are not touched")
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
    merge.set_defaults(run=_merge)

    migrate = verbs.add_parser("migrate", help="copy a store of an older schema version into a new one")
    migrate.add_argument("old", type=Path, help="left as it is")
    migrate.add_argument("new", type=Path)
    migrate.set_defaults(run=_migrate)


def _check(arguments: argparse.Namespace) -> int:
    from crl_data.checking.check import check_store

    report = check_store(arguments.store)
    for line in report.warnings:
        print(f"warning: {line}")
    for line in report.damage:
        print(f"damaged: {line}")
    if report.damaged:
        ids = " ".join(report.damaged)
        print(f"restore them from a copy, or remove them: crl-data delete {arguments.store} {ids} --yes")
    for folder in report.recording:
        print(f"being written: {folder}")
    for folder in report.pending:
        print(f"waiting: {folder}; accept or discard it with 'crl-data repair --pending accept' or discard")
    for folder in report.leftovers:
        print(f"left over: {folder}; a commit was cut short, 'crl-data repair' removes it")
    verdict = {0: "sound", 1: "repairable", 2: "damaged"}[report.exit_code]
    print(f"{arguments.store}: {report.episodes} episodes, {verdict}")
    return report.exit_code


def _repair(arguments: argparse.Namespace) -> int:
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
    print(f"{arguments.store}: {len(report.removed)} left-over folders removed, no committed episode was touched")
    return 0


def _delete(arguments: argparse.Namespace) -> int:
    from crl_data.store import Store

    store = Store.open(arguments.store)
    known = set(store.episode_ids())
    for episode_id in arguments.episodes:
        if episode_id not in known:
            raise StoreError(f"{store.path} has no episode '{episode_id}', so none was deleted; 'crl-data info' lists")
    if not arguments.yes:
        raise StoreError(f"{len(arguments.episodes)} episodes would be deleted for good; add --yes to do it")
    for episode_id in arguments.episodes:
        store.delete(episode_id)
        print(f"deleted: {episode_id}")
    return 0


def _merge(arguments: argparse.Namespace) -> int:
    from crl_data.maintenance import merge

    store, added = merge(arguments.target, arguments.sources)
    print(f"{store.path}: {added} episodes added, {len(store)} in all")
    return 0


def _migrate(arguments: argparse.Namespace) -> int:
    from crl_data.maintenance import migrate

    store = migrate(arguments.old, arguments.new)
    print(f"{store.path}: {len(store)} episodes; {arguments.old} was not changed")
    return 0
