"""What a run's report says, from the run's plain records: numbers and sentences, no pictures and no page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

Facts = Mapping[str, Any]

BINS = 40
TIMES = ("lateness_ms", "age_ms", "inference_ms")
KINDS = {"reached": "good", "stopped": "", "failed": "bad"}
"""Colours of verdicts; the others warn."""
CALM = ("moving", "holding", "holding: enabled, waiting for actions")
"""What an arm says while nothing is wrong."""


def report_data(facts: Facts, ticks: Sequence[Facts], events: Sequence[Facts], zero_ns: int) -> dict[str, Any]:
    """Everything the report's page draws, ready for JSON.

    Args:
        facts: of run.json.
        ticks: as published on policy/progress, in order.
        events: of events.jsonl.
        zero_ns: stamp of second 0, that of the film's first picture or else `start_ns`.
    """
    headline, kind = verdict(facts)
    period_ms = 1e3 / facts["rate_hz"] if facts.get("rate_hz") else None
    return {
        "facts": dict(facts),
        "headline": headline,
        "kind": kind,
        "ticks": [_tick_row(tick, zero_ns) for tick in ticks if _tick_ns(tick)],
        "actions": [_action_row(tick, zero_ns) for tick in ticks if _tick_ns(tick) and tick.get("action")],
        "timing": {name: spread([tick.get(name) for tick in ticks]) for name in TIMES},
        "latency": latency_words(facts),
        "period_ms": period_ms,
        "idle": idle_periods(ticks, events, period_ms) if period_ms else 0,
        "ticks_count": len(ticks),
        "events": [_event(event, zero_ns) for event in events],
    }


def start_ns(ticks: Sequence[Facts], events: Sequence[Facts]) -> int:
    """When the first tick or else the first event was; 0 where there is neither."""
    stamps = [*map(_tick_ns, ticks), *(int(event.get("stamp_ns") or 0) for event in events)]
    return next(filter(None, stamps), 0)


def verdict(facts: Facts) -> tuple[str, str]:
    """How the run ended, in a sentence, and the colour of it."""
    ended = facts.get("ended")
    if not ended:
        return "Not ended: the run still goes on, or its record was cut off", "warm"
    words = str(ended.get("sentence") or ended.get("verdict", "")).rstrip(".")
    return words[:1].upper() + words[1:], KINDS.get(str(ended.get("verdict")), "warm")


def latency_words(facts: Facts) -> list[str]:
    """What is known of the arm's latency in sentences; none in a record from before it was measured."""
    latency = facts.get("latency_ms") or {}
    age, motion, behind = (latency.get(name) for name in ("arm_state", "arm_motion", "arm_following"))
    words = [f"The arm's state was {age['p50']:.0f} ms old."] if age else []
    if motion:
        words.append(
            f"The arm began to move {motion['p50']:.0f} ms after a command, known to {motion['resolution']:.0f} ms: "
            f"median of {motion['n']:.0f} motions from rest."
        )
    elif age:
        words.append("No motion of the arm from rest was measured.")
    if behind:
        words.append(f"It was {behind['shift']:.0f} ms behind its commands, known to {behind['resolution']:.0f} ms.")
    return words


def idle_periods(ticks: Sequence[Facts], events: Sequence[Facts], period_ms: float) -> int:
    """Control periods without a tick, pauses left out: the tick was missed, or nothing fresh was there to act on."""
    due = [_tick_ns(tick) - 1e6 * (tick.get("lateness_ms") or 0.0) for tick in ticks if _tick_ns(tick)]
    silent = ("paused", "handed_over")
    pauses = [event["stamp_ns"] for event in events if (event.get("data") or {}).get("state") in silent]
    gaps = [(first, then) for first, then in pairwise(due) if not any(first <= pause <= then for pause in pauses)]
    return sum(max(round((then - first) / (1e6 * period_ms)) - 1, 0) for first, then in gaps)


def spread(values: Sequence[float | None]) -> dict[str, Any] | None:
    """Percentiles and a histogram of what is known of ``values``; None where nothing is."""
    known = np.array([value for value in values if value is not None], np.float64)
    known = known[np.isfinite(known)]
    if known.size == 0:
        return None
    p50, p99 = np.percentile(known, (50, 99))
    high = max(float(known.max()), 1e-3)
    counts, edges = np.histogram(known, BINS, (min(0.0, float(known.min())), high))
    return {
        "count": int(known.size),
        "p50": round(float(p50), 3),
        "p99": round(float(p99), 3),
        "max": round(float(known.max()), 3),
        "counts": counts.tolist(),
        "edges": np.round(edges, 4).tolist(),
    }


def _tick_ns(tick: Facts) -> int:
    """When the tick was: its stamp is the frame's, and the frame was that old."""
    stamp_ns = int(tick.get("stamp_ns") or 0)
    return stamp_ns + round(1e6 * (tick.get("age_ms") or 0.0)) if stamp_ns else 0


def _tick_row(tick: Facts, zero_ns: int) -> list[float | None]:
    """[seconds, expected, low, high, estimate, reached, lateness, age, inference, stage]."""
    steps = tick.get("steps") or {}
    reached = float(bool(tick.get("reached")))
    ranges = [steps.get(name) for name in ("expected", "low", "high")]
    times, stage = [tick.get(name) for name in TIMES], float(tick.get("stage") or 0)
    return [_seconds(_tick_ns(tick), zero_ns), *ranges, tick.get("estimate"), reached, *times, stage]


def _action_row(tick: Facts, zero_ns: int) -> list[float]:
    """[seconds, dx, dy, dz in mm, largest turn in degrees, gripper]."""
    values = [float(value) for value in tick["action"]]
    turn = float(np.degrees(np.abs(values[3:6]).max()))
    moves = [round(1e3 * value, 3) for value in values[:3]]
    return [_seconds(_tick_ns(tick), zero_ns), *moves, round(turn, 3), values[6]]


def _event(event: Facts, zero_ns: int) -> dict[str, Any]:
    """Seconds, kind and sentence; 'safety' is an arm that does not simply do what it is told."""
    stamp_ns, kind, data = int(event.get("stamp_ns") or 0), str(event.get("kind", "")), event.get("data") or {}
    text = str(event.get("text", ""))
    if kind == "arm" and data.get("mode"):
        text = ": ".join(filter(None, (str(data["mode"]), str(data.get("reason") or ""))))
    elif kind == "check" and data.get("name"):
        text = f"{data['name']}: {text}"
    return {
        "seconds": _seconds(stamp_ns, zero_ns) if stamp_ns else None,
        "kind": kind,
        "text": text,
        "safety": kind == "arm" and text not in CALM,
    }


def _seconds(stamp_ns: int, zero_ns: int) -> float:
    return round((stamp_ns - zero_ns) / 1e9, 4)
