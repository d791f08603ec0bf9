"""What comes of one control tick of a run, and what the run is facing meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

from crl_learning.goals.check import CheckedGoal
from crl_learning.policy_loop import Tick
from crl_learning.progress.watch import Progress

UNUSABLE = ("disabled", "estopped")
"""Modes of an arm that takes no actions."""


@dataclass(frozen=True)
class Outcome:
    """What came of one tick.

    Attributes:
        tick: what the policy made of it.
        progress: of the way to the present goal; None without an observation or a goal.
        send: whether the action goes to the arm.
        changed: whether state or stage changed.
        stage: number of the stage that was acted towards.
        preview: whether nothing was acted on.
    """

    tick: Tick
    progress: Progress | None
    send: bool
    changed: bool
    stage: int
    preview: bool = False


@dataclass(frozen=True)
class Facing:
    """The goal that is acted towards, and the stamp of the pictures that show it (ns)."""

    goal: CheckedGoal
    stamp_ns: int
