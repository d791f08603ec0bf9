"""Runs the rows one after the other: bring the arm to move, inject, watch, judge, recover."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from crl_robot.bench.device_log import joined
from crl_robot.bench.judge import Finding, judge_goals, judge_published
from crl_robot.bench.rig import Rig
from crl_robot.bench.row import Row
from crl_robot.errors import CrlError

_NOTICE_S = 1.2
"""arm/status is published at 1 Hz at the least."""
_ATTEMPTS = 5
_MOVE_S = 1.0
_TAIL_S = 0.5
"""Joint states that are heard just after a log ends were measured just before."""


class CampaignError(CrlError, RuntimeError):
    """The campaign cannot go on."""


@dataclass(frozen=True)
class Outcome:
    """What came of one injection.

    Attributes:
        row, session: names.
        at_s: when it was injected, monotonic.
        tool_speed: of the moving arm just before, m/s.
        reaction_ms, limit_ms: how long the reaction took, and how long it may.
        complaint: what was wrong with the reaction, or with how it was told.
        reason: what arm/status said.
        findings: of the judge.
        recovery: why the arm did not move again, or ''.
        recovery_s: how long that took.
        stalled_ms: time that the emulated arm itself did not get to run.
        interrupted: how often the arm had stopped by itself before the injection could be made.
    """

    row: str
    session: str
    at_s: float
    tool_speed: float
    reaction_ms: float
    limit_ms: float
    complaint: str
    reason: str
    findings: tuple[Finding, ...]
    recovery: str
    recovery_s: float
    stalled_ms: float
    interrupted: int

    @property
    def late(self) -> bool:
        return self.reaction_ms > self.limit_ms


@dataclass
class Campaign:
    """The outcomes so far. ``on_outcome`` is told each."""

    on_outcome: Callable[[Outcome], None] = lambda outcome: None
    outcomes: list[Outcome] = field(default_factory=list)

    def run(self, rig: Rig, rows: Sequence[Row]) -> None:
        """Inject ``rows`` in this order."""
        rig.heal()
        rig.recover(30.0)
        for row in rows:
            outcome = inject(rig, row)
            self.outcomes.append(outcome)
            self.on_outcome(outcome)


def inject(rig: Rig, row: Row) -> Outcome:
    """One injection from a moving arm to a moving arm."""
    rig.logs, rig.went_home = [], not row.bounded
    interrupted = _bring_to_move(rig)
    watched = _watch(rig, row)
    recovery, recovery_s = _recover(rig)
    rig.look()
    return Outcome(
        row=row.name,
        session=rig.session.name,
        limit_ms=row.limit_ms,
        findings=tuple(_judge(rig)),
        recovery=recovery,
        recovery_s=recovery_s,
        stalled_ms=1e3 * sum(part.stalled_s for part in rig.logs),
        interrupted=interrupted,
        **watched,
    )


def _watch(rig: Rig, row: Row) -> dict[str, Any]:
    """Inject and measure; the fields of the outcome that tell of the reaction."""
    client = rig.client
    counts = {event: client.counter(event) for event in row.events}
    row.prepare(rig)
    at_s = row.inject(rig)
    client.run(max(0.0, at_s + row.window_s - time.monotonic()))
    rig.look()
    log = joined(rig.logs)
    reaction_ms, complaint = row.react(rig, log, at_s)
    complaint = complaint or _untold(rig, row, counts)
    reason = client.reason
    complaint = row.heal(rig) or complaint or _unclear(row, f"{reason} {client.reason}")
    told = {"complaint": complaint, "reason": reason or client.reason}
    return {"at_s": at_s, "tool_speed": log.tool_speed(at_s), "reaction_ms": reaction_ms} | told


def _recover(rig: Rig) -> tuple[str, float]:
    """Why the arm does not move again, or '', and how long it took."""
    start_s = time.monotonic()
    rig.heal()
    return rig.recover(), time.monotonic() - start_s


def _bring_to_move(rig: Rig) -> int:
    """Wait until the arm moves, and then a random time; returns how often it stopped meanwhile."""
    for attempt in range(_ATTEMPTS):
        moves = rig.client.until(rig.moving, _MOVE_S)
        rig.client.run(float(rig.rng.uniform(0.05, 0.4)))
        if moves and rig.moving():
            return attempt
        rig.heal()
        rig.recover()
    joints = np.round(rig.client.joints or (), 3).tolist()
    raise CampaignError(
        f"the arm at {joints} did not move in {_ATTEMPTS} attempts, it is {rig.client.mode or 'silent'} "
        f"({rig.client.reason}); expected it to obey between injections; see the logs of its node"
    )


def _untold(rig: Rig, row: Row, before: Mapping[str, int]) -> str:
    """A complaint unless arm/status counts one of the row's events."""
    counted = rig.client.until(
        lambda: not before or any(rig.client.counter(event) > count for event, count in before.items()), _NOTICE_S
    )
    return "" if counted else f"arm/status counted none of {row.events}"


def _unclear(row: Row, reason: str) -> str:
    """A complaint unless the reason has one of the row's words."""
    told = not row.words or any(word in reason for word in row.words)
    return "" if told else f"'{reason}' has none of the words {row.words}"


def _judge(rig: Rig) -> list[Finding]:
    """What the judge finds from the end of the last injection to the end of this one."""
    whole = joined(rig.logs)
    findings = judge_goals(whole, None if rig.went_home else rig.session.box)
    earlier = [rig.tail] if rig.tail is not None else []
    findings += judge_published(joined([*earlier, whole]), rig.client.take_published())
    rig.tail = whole.since(float(whole.truth_s[-1]) - _TAIL_S)
    return findings
