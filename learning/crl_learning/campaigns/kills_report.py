"""What `crl-bench kills` leaves: flat facts, a line for each kill, and one picture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from crl_learning.csv_rows import write_rows


@dataclass(frozen=True)
class Kill:
    """One kill and what came of it.

    Attributes:
        node, respawn: what was killed, and whether it was started again.
        delay_s: from the first motion of the run to the kill.
        reaction, limit_ms: what had to follow, and until when.
        begun_again: runs before this one that did not come to move the arm.
        stopped_ms: last motion of the tool, or of the policy where it had to fall silent, after the kill.
        travel_mm: of the tool from the kill until the limit.
        drift_mm: of the tool after the limit; nothing moves it then.
        complaint: what else was wrong; '' when nothing was.
        back_s: from the restart until the run went on; 0 without respawn.
        done: what an operator did for that.
        said: the clear state: what status or runner said.
        runs, unsound: recorded runs that were looked at since the kill before, and what was wrong with them.
    """

    node: str
    respawn: bool
    delay_s: float
    reaction: str
    limit_ms: float
    begun_again: int = 0
    stopped_ms: float = 0.0
    travel_mm: float = 0.0
    drift_mm: float = 0.0
    complaint: str = ""
    back_s: float = 0.0
    done: str = ""
    said: str = ""
    runs: int = 0
    unsound: str = ""


def facts_of(kills: Sequence[Kill]) -> dict[str, Any]:
    """Counts of all kills and, under 'nodes', of each node; ``sound`` when there is nothing to complain of."""
    by_node: dict[str, list[Kill]] = defaultdict(list)
    for kill in kills:
        by_node[kill.node].append(kill)
    facts = _counts(kills)
    sound = not any(facts[name] for name in ("late", "complaints", "unsound_runs"))
    return facts | {"sound": sound, "nodes": {node: _counts(mine) for node, mine in sorted(by_node.items())}}


def late(kill: Kill) -> bool:
    """Whether something still moved after the limit."""
    return kill.reaction != "goes_on" and kill.stopped_ms > kill.limit_ms


def _counts(kills: Sequence[Kill]) -> dict[str, Any]:
    back_s = [kill.back_s for kill in kills if kill.respawn]
    return {
        "kills": len(kills),
        "respawned": len(back_s),
        "ended": len(kills) - len(back_s),
        "late": sum(late(kill) for kill in kills),
        "complaints": sum(bool(kill.complaint) for kill in kills),
        "runs": sum(kill.runs for kill in kills),
        "unsound_runs": sum(bool(kill.unsound) for kill in kills),
        "begun_again": sum(kill.begun_again for kill in kills),
        "limit_ms": max((kill.limit_ms for kill in kills), default=0.0),
        "stopped_max_ms": round(max((kill.stopped_ms for kill in kills), default=0.0), 1),
        "drift_max_mm": round(max((kill.drift_mm for kill in kills), default=0.0), 2),
        "travel_max_mm": round(max((kill.travel_mm for kill in kills), default=0.0), 1),
        "back_p50_s": round(float(np.median(back_s)), 2) if back_s else 0.0,
        "back_max_s": round(max(back_s, default=0.0), 2),
    }


def write_kills(folder: Path, kills: Sequence[Kill]) -> None:
    """kills.csv with a line for each kill."""
    columns = [field.name for field in fields(Kill)]
    write_rows(folder / "kills.csv", [asdict(kill) for kill in kills], columns, digits=4)


def plot_kills(path: Path, kills: Sequence[Kill]) -> None:
    """Write a PNG: the last motion after each kill beside its limit, and how long the run took to go on."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    FigureCanvasAgg(figure)
    stopped, back = figure.subplots(2, 1)
    held = sorted({kill.node for kill in kills if kill.reaction != "goes_on"}, reverse=True)
    limits = {kill.node: kill.limit_ms for kill in kills}
    stopped.barh(held, [limits[node] for node in held], color="0.9", height=0.8, label="limit")
    for is_late, color in ((False, "tab:blue"), (True, "tab:red")):
        dots = [kill for kill in kills if kill.node in held and late(kill) == is_late]
        label = "late" if is_late else "last motion"
        places = [held.index(kill.node) for kill in dots]
        stopped.scatter([kill.stopped_ms for kill in dots], places, s=8, color=color, label=label)
    stopped.set_xlabel("ms from the kill")
    nodes = sorted({kill.node for kill in kills}, reverse=True)
    again = [kill for kill in kills if kill.respawn]
    back.scatter([kill.back_s for kill in again], [nodes.index(kill.node) for kill in again], s=8)
    back.set_yticks(range(len(nodes)), nodes)
    back.set_xlabel("s from the restart until the run goes on")
    back.set_xlim(left=0)
    stopped.legend(loc="lower right")
    for axes in (stopped, back):
        axes.grid(axis="x", alpha=0.3)
    figure.savefig(path, dpi=110)
