"""What the policy node says of itself, as plain values for JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from crl_learning.goals.check import CheckedGoal
from crl_learning.policy_loop import Tick
from crl_learning.progress.watch import Progress
from crl_learning.runtime.goal_run import GoalRun
from crl_learning.runtime.outcome import Outcome


def stage_facts(goals: Sequence[CheckedGoal], reached: set[int]) -> list[dict[str, Any]]:
    """Each stage with what was found when its goal was checked."""
    return [
        {
            "source": goal.goal.source,
            "reached": number in reached,
            "warnings": list(goal.warnings),
            "score": _rounded(goal.score),
            "nearest": [
                {"episode": one.name.episode, "frame": one.name.frame, "distance": round(one.distance, 2)}
                for one in goal.nearest
            ],
        }
        for number, goal in enumerate(goals)
    ]


def run_facts(run: GoalRun) -> dict[str, Any]:
    """State, verdict, stages and settings of a run."""
    clock, stages, settings, facing = run.clock, run.stages, run.settings, run.facing
    return {
        "ended": vars(clock.ended) if clock.ended else None,
        "run": clock.id,
        "seconds": round(run.seconds, 3),
        "time_limit_s": settings.time_limit_s,
        "dry_run": settings.dry_run,
        "speed": settings.speed,
        "stage": stages.index,
        "stages": stage_facts(stages.goals, stages.reached),
        "goal": facing.goal.goal.source if facing else "",
        "goal_warnings": list(facing.goal.warnings) if facing else [],
        "goal_stamp_ns": facing.stamp_ns if facing else 0,
        "plan": run.plan,
        "counters": dict(run.loop.counters),
    }


def progress_facts(outcome: Outcome, run: GoalRun, number: int, rate: float | None, period_s: float) -> dict[str, Any]:
    """One tick as it is published and recorded; None where something is not known, as of a goal just replaced.

    Args:
        number: of the tick.
        rate: the chosen false-positive rate; None without a calibration.
        period_s: of control.
    """
    tick, progress, facing = outcome.tick, outcome.progress, run.facing
    return (
        {
            "stamp_ns": tick.stamp_ns,
            "tick": number,
            "run": run.clock.id,
            "preview": outcome.preview,
            "acting": outcome.send,
            "stage": outcome.stage,
            "stages": len(run.stages),
            "goal_stamp_ns": facing.stamp_ns if facing and tick.goal == run.loop.goal else None,
        }
        | _judged(progress, rate, period_s)
        | _timed(tick)
    )


def _judged(progress: Progress | None, rate: float | None, period_s: float) -> dict[str, Any]:
    steps = progress.steps if progress else None
    left = progress.patience if progress else None
    return {
        "signal": _rounded(progress.signal if progress else None),
        "steps": {name: _rounded(value, 2) for name, value in vars(steps).items()} if steps else None,
        "reached": bool(progress and progress.reached),
        "reached_score": _rounded(progress.score if progress else None),
        "reached_rate": rate,
        "improving": progress.improving if progress else None,
        "patience_s": round(left * period_s, 2) if left is not None else None,
    }


def _timed(tick: Tick) -> dict[str, Any]:
    return {
        "estimate": _rounded(tick.estimate),
        "distances": [round(one, 4) for one in tick.distances],
        "action": [round(float(value), 6) for value in tick.action.values] if tick.action else None,
        "late": tick.late,
        "lateness_ms": _rounded(tick.lateness_ms, 3),
        "age_ms": _rounded(tick.age_ms, 3),
        "inference_ms": _rounded(tick.inference_ms, 3),
    }


def flat(status: Mapping[str, Any]) -> dict[str, Any]:
    """For diagnostics: what is in a group under `group.key`, without lists, which belong to the status topic."""
    found: dict[str, Any] = {}
    for key, value in status.items():
        if isinstance(value, Mapping):
            found |= {f"{key}.{inner}": one for inner, one in flat(value).items()}
        elif not isinstance(value, list | tuple):
            found[key] = value
    return found


def _rounded(value: float | None, digits: int = 4) -> float | None:
    return round(float(value), digits) if value is not None and math.isfinite(value) else None
