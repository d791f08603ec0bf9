"""In which state the policy node is, and why it does not act, in words for its status."""

from __future__ import annotations

from collections.abc import Sequence

from crl_learning.goals.topics import goal_topics
from crl_learning.nodes.policy_starting import Starting
from crl_learning.runtime.goal_run import GoalRun
from crl_learning.runtime.outcome import UNUSABLE


def state_of(active: bool, run: GoalRun, starting: Starting) -> str:
    """That of the run, or inactive, or preparing."""
    state = run.clock.state
    if not active and state != "ended":
        return "inactive"
    return "preparing" if starting.preparing else state


def why_still(run: GoalRun, starting: Starting, waiting: str, arm: tuple[str, str], cameras: Sequence[str]) -> str:
    """Why nothing is acted on, or would not be after policy/start; empty when nothing is in the way.

    Args:
        waiting: what keeps an observation from being complete; empty when nothing does.
        arm: its mode and reason.
        cameras: those that goals are seen by.
    """
    clock, (mode, reason) = run.clock, arm
    if clock.pause_reason:
        return clock.pause_reason
    if starting.reason and not (waiting and starting.preparation.phase == "looking"):
        return starting.reason
    if waiting or run.stages.present is None:
        return waiting or f"no goal yet, send one to {', '.join(goal_topics(cameras).values())}"
    if mode in UNUSABLE and clock.state == "running" and not run.settings.dry_run:
        return f"the arm is {mode} ({reason or 'not enabled'}); call /arm/enable"
    return ""
