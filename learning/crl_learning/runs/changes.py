"""What a status of the policy node says of a run: what it is at its beginning, and what has changed since the last."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from crl_learning.planning.plan import plan_words

Status = Mapping[str, Any]


def run_facts(status: Status) -> dict[str, Any]:
    """What run.json holds from the beginning."""
    kept = ("checkpoint", "image_spec", "goal_camera", "native", "dry_run", "speed", "time_limit_s", "action_spec")
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    facts = {"id": status["run"], "created": created, **{key: status[key] for key in kept}}
    facts |= {"latency_ms": status.get("latency_ms", {})}
    return facts | {"cameras": status["cameras"], "rate_hz": status["action_spec"]["rate_hz"]}


def first_events(status: Status, arm: tuple[str, str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What there is to tell at the beginning, as `changes` does; ``arm`` is its mode and reason."""
    yield "state", status["state"], {"state": status["state"]}
    yield "arm", " ".join(arm).strip(), {"mode": arm[0]}
    for check in status.get("checks", []):
        yield "check", check["sentence"], check
    yield from plan_changes({}, status)


def changes(before: Status, status: Status) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Events as kind, text and data; the end of the run is not among them."""
    for kind, key in (("state", "state"), ("stage", "stage"), ("goal", "goal"), ("goal", "goal_refused")):
        if status[key] == "ended":
            continue
        if before.get(key) != status[key] and (status[key] or key == "stage"):
            text = f"refused: {status[key]}" if key == "goal_refused" else str(status[key])
            yield kind, text, {key: status[key], "reason": status["reason"]}
    yield from plan_changes(before, status)
    found = {(check["name"], check["verdict"]) for check in before.get("checks", ())}
    for check in status.get("checks", ()):
        if (check["name"], check["verdict"]) not in found:
            yield "check", check["sentence"], check
    late = status["counters"].get("late", 0) - before.get("counters", {}).get("late", 0)
    if late > 0:
        yield "late", f"{late} results came too late and were dropped", {"count": late}


def plan_changes(before: Status, status: Status) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """As `changes`, of the planner alone; of an empty ``before`` the plan that there is."""
    plan = status.get("plan")
    if plan and plan != before.get("plan"):
        yield "plan", plan_words(plan), plan
