"""What `crl-bench goals` leaves: flat facts, a line for each offer, and one picture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crl_learning.bench_control import summarise_timing
from crl_learning.campaigns.usage import UsageLog, leaks
from crl_learning.csv_rows import write_rows

if TYPE_CHECKING:
    from crl_learning.nodes.eval_client import Timing
    from crl_learning.nodes.goals_client import GoalsClient

MISSED_PART = 0.005
LONGEST_GAP_PERIODS = 3.0


@dataclass(frozen=True)
class Outcome:
    """One offer and what came of it.

    Attributes:
        at_s: since the first offer.
        kind, way, expected: of the offer.
        answer: 'taken', 'refused', or '' without an answer.
        after_ms: from the offer to the answer.
        ticks: that acted since the offer before.
        strays: of them, towards no goal that was taken; `unjudged`: whose frame was not heard.
        sentence: with a refusal.
    """

    at_s: float
    kind: str
    way: str
    expected: str
    answer: str
    after_ms: float
    ticks: int
    strays: int
    unjudged: int
    sentence: str

    @property
    def wrong(self) -> bool:
        """Whether the answer was another than promised, or none."""
        return not self.answer or self.expected not in ("either", self.answer)


def facts_of(outcomes: Sequence[Outcome], usage: UsageLog, client: GoalsClient, rate_hz: float) -> dict[str, Any]:
    """Counts, timing and memory; ``sound`` when every answer was the promised one, and nothing strayed or leaked."""
    gaps_s = np.diff(client.sent_ns) / 1e9
    timing, held = summarise_timing(client.timing, rate_hz), usage.facts()
    facts: dict[str, Any] = {
        "offered": len(outcomes),
        "taken": sum(one.answer == "taken" for one in outcomes),
        "refused": sum(one.answer == "refused" for one in outcomes),
        "unanswered": sum(not one.answer for one in outcomes),
        "wrong": sum(one.wrong for one in outcomes),
        "answer_max_ms": round(max(one.after_ms for one in outcomes), 1),
        "acted": sum(one.ticks for one in outcomes),
        "strays": sum(one.strays for one in outcomes),
        "unjudged": sum(one.unjudged for one in outcomes),
        "rate": rate_hz,
        "longest_gap_ms": round(1e3 * float(gaps_s.max()), 1),
        **timing,
        **held,
        "leaks": leaks(held),
        "kinds": _kinds(outcomes),
    }
    stalled = gaps_s.max() * rate_hz > LONGEST_GAP_PERIODS or timing["missed"] > MISSED_PART * timing["ticks"] + 1
    return facts | {
        "stalled": bool(stalled),
        "sound": not (facts["wrong"] or facts["strays"] or leaks(held) or stalled),
    }


def _kinds(outcomes: Sequence[Outcome]) -> dict[str, dict[str, Any]]:
    kinds: dict[str, list[Outcome]] = defaultdict(list)
    for one in outcomes:
        kinds[one.kind].append(one)
    return {
        kind: {
            "offered": len(mine),
            "taken": sum(one.answer == "taken" for one in mine),
            "refused": sum(one.answer == "refused" for one in mine),
            "wrong": sum(one.wrong for one in mine),
            "answer_max_ms": round(max(one.after_ms for one in mine), 1),
        }
        for kind, mine in sorted(kinds.items())
    }


def write_report(folder: Path, outcomes: Sequence[Outcome], usage: UsageLog, timing: Sequence[Timing]) -> None:
    """offers.csv, ticks.csv, usage.csv and goals.png."""
    write_rows(folder / "offers.csv", [asdict(one) for one in outcomes], digits=4)
    write_rows(folder / "ticks.csv", [asdict(one) for one in timing], digits=4)
    held = zip(usage.samples, usage.files, strict=True)
    write_rows(folder / "usage.csv", [asdict(one) | {"files": files} for one, files in held], digits=4)
    plot_goals(folder / "goals.png", outcomes, usage, timing)


def plot_goals(path: Path, outcomes: Sequence[Outcome], usage: UsageLog, timing: Sequence[Timing]) -> None:
    """Write a PNG: time from offer to answer, lateness of the control ticks, and memory, over the run."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 7), layout="constrained")
    FigureCanvasAgg(figure)
    answers, ticks, memory = figure.subplots(3, 1, sharex=True)
    begin_s = timing[0].heard_s
    for answer, color in (("taken", "tab:blue"), ("refused", "tab:orange"), ("", "tab:red")):
        dots = [one for one in outcomes if one.answer == answer]
        label = f"{answer or 'no answer'}: {len(dots)}"
        answers.scatter([one.at_s for one in dots], [one.after_ms for one in dots], s=5, color=color, label=label)
    answers.set_ylabel("offer to answer, ms")
    answers.legend(loc="upper right")
    ticks.scatter([one.heard_s - begin_s for one in timing], [one.lateness_ms for one in timing], s=3)
    ticks.set_ylabel("tick late by, ms")
    memory.plot([one.time_s - begin_s for one in usage.samples], [one.memory_mb for one in usage.samples])
    memory.set_ylabel("own memory of the policy, MB")
    memory.set_xlabel("s")
    for axes in (answers, ticks, memory):
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
