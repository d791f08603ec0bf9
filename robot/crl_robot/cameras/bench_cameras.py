"""How late are the frames of two cameras in another process, and are all that get lost counted? Raw and compressed.

Each camera is the real `camera` node in a process of its own, which shows prepared noisy frames at its rate; this
process receives. First the raw topics are received, then the compressed ones.
"""

from __future__ import annotations

import csv
import math
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crl_robot.cameras.bench_report import MODES
from crl_robot.errors import ConfigError
from crl_robot.graph import Graph, NodeCommand

if TYPE_CHECKING:
    from crl_robot.nodes.camera_receiver import Arrivals, CameraReceiver


@dataclass(frozen=True)
class CameraCommand(NodeCommand):
    """A camera node whose name is that of the command."""

    def argv(self) -> list[str]:
        return [*super().argv(), "-r", f"__node:={self.name}"]


def run(
    seconds: float = 300.0,
    cameras: int = 2,
    size: tuple[int, int] = (640, 480),
    fps: float = 30.0,
    on_second: Callable[[], object] = lambda: None,
) -> dict[str, Any]:
    """Receive for ``seconds`` each way; returns facts, those of each way with its prefix ``raw_`` or ``compressed_``.

    ``latency_ms`` goes from the stamp to the begin of the callback and includes encoding where there is any;
    ``decode_ms`` is what an image costs after that. ``lost`` are frames that sequence numbers showed to be missing,
    ``uncounted`` those that were published, did not arrive and were not noticed. ``skipped`` were captured, but a newer
    one came before they could be published; ``missed`` are periods in which the source itself was late. ``sound`` says
    that no frame was lost without being counted.

    Args:
        on_second: called after each second that was measured.

    Raises:
        ConfigError: a value is out of range.
        GraphError: a node ended, or no frames came.
    """
    if not (1 <= seconds <= 86_400 and 1 <= cameras <= 8 and 1 <= fps <= 200):
        raise ConfigError(
            f"seconds={seconds} cameras={cameras} fps={fps}, expected 1 to 86400 seconds, 1 to 8 cameras and 1 to 200 "
            "frames a second"
        )
    facts: dict[str, Any] = {"seconds": seconds, "cameras": cameras, "width": size[0], "height": size[1], "fps": fps}
    names = [f"camera_{index}" for index in range(cameras)]
    for mode in MODES:
        with tempfile.TemporaryDirectory(prefix="crl-bench-") as folder:
            nodes = bench_nodes(Path(folder), names, size, fps)
            found = _receive(Path(folder), nodes, mode == "compressed", seconds, on_second)
        facts |= {f"{mode}_{key}": value for key, value in found.items()}
    return facts | {"sound": not any(facts[f"{mode}_uncounted"] for mode in MODES)}


def bench_nodes(folder: Path, names: Sequence[str], size: tuple[int, int], fps: float) -> list[NodeCommand]:
    """The camera processes; each writes the stamps it published into a CSV file in ``folder``."""
    common = {"kind": "file", "device": "noise", "width": size[0], "height": size[1], "fps": fps}
    return [CameraCommand(name, "crl_robot.nodes.camera_node", parameters=_own(common, name, folder)) for name in names]


def _own(common: dict[str, Any], name: str, folder: Path) -> dict[str, Any]:
    return common | {"name": name, "log": str(folder / f"{name}.csv")}


def _receive(
    folder: Path, nodes: Sequence[NodeCommand], compressed: bool, seconds: float, on_second: Callable[[], object]
) -> dict[str, Any]:
    from crl_robot.nodes.camera_receiver import CameraReceiver

    names = [node.name for node in nodes]
    with (
        Graph(nodes, folder) as graph,
        CameraReceiver(names, compressed, graph.env, graph.check) as receiver,
    ):
        receiver.wait_until_ready()
        receiver.forget()
        begin = time.monotonic()
        for second in range(1, math.ceil(seconds) + 1):
            receiver.wait_for(begin + min(second, seconds) - time.monotonic())
            on_second()
        graph.stop()
    return _facts(receiver, {name: _stamps(folder / f"{name}.csv") for name in names})


def _stamps(path: Path) -> list[int]:
    with path.open(encoding="utf-8") as file:
        rows = csv.reader(file)
        next(rows)
        return [int(stamp) for (stamp,) in rows]


def _facts(receiver: CameraReceiver, published: dict[str, list[int]]) -> dict[str, Any]:
    arrivals = receiver.arrivals
    sent = {name: _between(published[name], arrived) for name, arrived in arrivals.items()}
    received = {name: len(set(arrived.stamp_ns)) for name, arrived in arrivals.items()}
    lost = {name: arrived.numbers.lost for name, arrived in arrivals.items()}
    told = [receiver.diagnostics.get(name, {}) for name in arrivals]
    return {
        "published": sum(sent.values()),
        "received": sum(received.values()),
        "lost": sum(lost.values()),
        "uncounted": sum(sent[name] - received[name] - lost[name] for name in arrivals),
        "skipped": sum(int(values.get("skipped", 0)) for values in told),
        "missed": sum(int(values.get("lost", 0)) for values in told),
        "latency_ms": _percentiles([ns for arrived in arrivals.values() for ns in arrived.latency_ns]),
        "decode_ms": _percentiles([ns for arrived in arrivals.values() for ns in arrived.decode_ns]),
        "bytes_per_frame": round(sum(a.bytes for a in arrivals.values()) / max(1, sum(received.values()))),
    }


def _between(published: list[int], arrived: Arrivals) -> int:
    """Published from the first to the last that arrived."""
    first, last = min(arrived.stamp_ns), max(arrived.stamp_ns)
    return sum(first <= stamp <= last for stamp in published)


def _percentiles(values_ns: list[int]) -> dict[str, float]:
    p50, p99 = np.percentile(values_ns, [50, 99]) / 1e6
    return {"p50": round(float(p50), 2), "p99": round(float(p99), 2), "max": round(max(values_ns) / 1e6, 2)}
