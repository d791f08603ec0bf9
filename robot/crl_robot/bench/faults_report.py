"""The facts of a fault campaign, its table of injections and its plot of reaction times."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from crl_robot.bench.campaign import Outcome


def facts_of(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Flat counts, and under 'rows' the same of each row with its reaction times in ms.

    ``unsafe`` counts injections with a goal register out of bounds, ``invented`` those with a joint value that the arm
    never had, ``late`` those whose reaction took longer than the row allows, ``unclear`` those whose reaction or whose
    words were not as they should be, ``unrecovered`` those after which the arm could not be brought to move again.
    """
    names = list(dict.fromkeys(outcome.row for outcome in outcomes))
    by_row = {name: [o for o in outcomes if o.row == name] for name in sorted(names)}
    return {
        **_counts(outcomes),
        "interrupted": sum(o.interrupted for o in outcomes),
        "stalled_ms": round(sum(o.stalled_ms for o in outcomes), 1),
        "sound": not any(count for name, count in _counts(outcomes).items() if name != "injected"),
        "rows": {name: _counts(mine) | _times(mine) for name, mine in by_row.items()},
    }


def _counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    kinds = [{finding.kind for finding in o.findings} for o in outcomes]
    return {
        "injected": len(outcomes),
        "unsafe": sum(bool(k - {"invented"}) for k in kinds),
        "invented": sum("invented" in k for k in kinds),
        "late": sum(o.late for o in outcomes),
        "unclear": sum(bool(o.complaint) for o in outcomes),
        "unrecovered": sum(bool(o.recovery) for o in outcomes),
    }


def _times(outcomes: Sequence[Outcome]) -> dict[str, float]:
    p50, highest = np.percentile([o.reaction_ms for o in outcomes], [50, 100])
    recovery = max(o.recovery_s for o in outcomes)
    return {
        "limit_ms": outcomes[0].limit_ms,
        "p50_ms": round(float(p50), 1),
        "max_ms": round(float(highest), 1),
        "slowest_recovery_s": round(recovery, 2),
    }


def write_report(folder: Path, outcomes: Sequence[Outcome]) -> None:
    """injections.csv with a line for each injection, and reactions.png."""
    columns = [field.name for field in fields(Outcome)]
    with (folder / "injections.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for outcome in outcomes:
            findings = "; ".join(f"{f.kind} at {f.at_s - outcome.at_s:+.3f} s: {f.text}" for f in outcome.findings)
            rounded = {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(outcome).items()}
            writer.writerow(rounded | {"findings": findings})
    plot_reactions(folder / "reactions.png", outcomes)


def plot_reactions(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write a PNG: each injection's reaction time as a dot in the line of its row, and the row's limit as a bar."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = sorted({o.row for o in outcomes}, reverse=True)
    limits = {o.row: o.limit_ms for o in outcomes}
    figure = Figure(figsize=(8, 1.2 + 0.19 * len(names)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.barh(names, [limits[name] for name in names], color="0.9", height=0.8, label="limit")
    for kind, color in ((False, "tab:blue"), (True, "tab:red")):
        dots = [o for o in outcomes if o.late == kind]
        label = "late" if kind else "reaction"
        axes.scatter([o.reaction_ms for o in dots], [names.index(o.row) for o in dots], s=5, color=color, label=label)
    axes.set_xlabel("ms from the injection to the reaction")
    axes.legend(loc="lower right")
    axes.grid(axis="x", alpha=0.3)
    figure.savefig(path, dpi=110)
