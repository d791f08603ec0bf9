"""The end of a run: the goal that it ended with may still be on its way, and its data go into the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crl_learning.runs.folder import DATA, GOALS, TICKS, RunFolder
from crl_learning.runs.judging import DataRecorder, Recorded
from crl_learning.runs.telling import told_of
from crl_robot.errors import CrlError

LAST_GOAL_S = 1.0
"""So long after a run the pictures of the goal that it ended with are waited for."""


@dataclass(frozen=True)
class Ending:
    """A run that is over: how and when it ended, with which goal, and until when that is waited for, monotonic."""

    words: dict[str, Any] | None
    stamp_ns: int
    goal_ns: int
    until_s: float

    @classmethod
    def of(cls, status: Mapping[str, Any], stamp_ns: int, now_s: float) -> Ending:
        """By the first status of the policy node that tells of it."""
        return cls(status["ended"], stamp_ns, int(status.get("goal_stamp_ns") or 0), now_s + LAST_GOAL_S)


def end_data(data: DataRecorder, folder: RunFolder, words: Mapping[str, Any]) -> tuple[Recorded, str]:
    """Stop recording frames and actions; what became of them, and what failed, '' where nothing did."""
    facts = folder.facts
    try:
        recorded = data.end(facts | {"ended": dict(words)}, told_of(folder.path, facts, folder.ticks))
    except CrlError as error:
        return Recorded(), str(error)
    lacks = f"{DATA} lacks goals and progress, which are in {GOALS} and {TICKS}: {recorded.untold}"
    return recorded, lacks if recorded.untold else ""
