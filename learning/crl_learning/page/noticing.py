"""What an operator should notice when a node's status changes: one sentence each, for the page's list of events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Facts = Mapping[str, Any]
Notice = tuple[str, str]
"""Level ('info', 'good', 'warning', 'error') and sentence."""

TOLD = ("inactive", "preparing", "running", "handed_over")
"""States of the policy whose reason is told."""
_ARM_LEVELS = {"estopped": "error", "disabled": "warning"}


def notices(source: str, before: Facts, now: Facts) -> Iterator[Notice]:
    """Compare two statuses of one node; ``before`` is empty for the first."""
    if source == "arm":
        yield from _of_arm(before, now)
    elif source == "policy":
        yield from _of_policy(before, now)
    elif source == "recorder":
        yield from _of_recorder(before, now)
    elif source == "run":
        yield from _of_run(before, now)


def _of_arm(before: Facts, now: Facts) -> Iterator[Notice]:
    # Ticks change the mode between holding and moving many times a second.
    calm = {"holding": "enabled", "moving": "enabled"}
    mode, was = str(now.get("mode", "")), str(before.get("mode", ""))
    if calm.get(mode, mode) != calm.get(was, was):
        reason = (now.get("reason") or "") if mode in _ARM_LEVELS else ""
        yield _ARM_LEVELS.get(mode, "info"), f"arm {calm.get(mode, mode)}{f': {reason}' if reason else ''}"
    for row, count in dict(now.get("counters") or {}).items():
        more = count - dict(before.get("counters") or {}).get(row, 0)
        if before and more > 0 and row not in ("accepted", "homed", "estop", "disabled"):
            yield "warning", f"safety: {row}{f' ({more} times)' if more > 1 else ''}"


def _of_policy(before: Facts, now: Facts) -> Iterator[Notice]:
    ended = now.get("ended") or {}
    if now.get("state") != before.get("state") and now.get("state"):
        if now["state"] == "ended" and ended:
            yield _verdict_level(ended), f"run ended: {ended.get('sentence') or ended.get('verdict')}"
        else:
            yield "info", f"policy {str(now['state']).replace('_', ' ')}{_because(now)}"
    if now.get("goal_refused") and now.get("goal_refused") != before.get("goal_refused"):
        yield "error", f"goal refused: {now['goal_refused']}"
    if before and now.get("stage") != before.get("stage") and len(now.get("stages") or ()) > 1:
        yield "info", f"stage {now.get('stage', 0) + 1} of {len(now['stages'])}"
    warned = set(before.get("goal_warnings") or ())
    yield from (("warning", warning) for warning in now.get("goal_warnings") or () if warning not in warned)
    yield from _of_checks(before, now)


def _of_checks(before: Facts, now: Facts) -> Iterator[Notice]:
    known = {check.get("name"): check.get("verdict") for check in before.get("checks") or ()}
    levels = {"warning": "warning", "refused": "error"}
    for check in now.get("checks") or ():
        verdict = check.get("verdict")
        if verdict in levels and known.get(check.get("name")) != verdict:
            yield levels[verdict], f"{check.get('name')}: {check.get('sentence')}"


def _of_recorder(before: Facts, now: Facts) -> Iterator[Notice]:
    if now.get("state") != before.get("state") and before:
        yield "info", f"recorder {now.get('state')}"
    if now.get("failure") and now.get("failure") != before.get("failure"):
        yield "error", f"recorder: {now['failure']}"


def _of_run(before: Facts, now: Facts) -> Iterator[Notice]:
    if before.get("state") == "recording" and now.get("folder") != before.get("folder"):
        yield "good", f"run saved: {before.get('folder')}"
    if now.get("failure") and now.get("failure") != before.get("failure"):
        yield "error", f"run recorder: {now['failure']}"


def _verdict_level(ended: Facts) -> str:
    return {"reached": "good", "failed": "error", "stopped": "info"}.get(str(ended.get("verdict")), "warning")


def _because(now: Facts) -> str:
    reason = now.get("reason")
    return f": {reason}" if reason and now.get("state") in TOLD else ""
