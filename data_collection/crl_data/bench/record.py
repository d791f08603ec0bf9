"""crl-bench record: does the recorder node count all that it does not record, and is its memory flat?

The real graph: cameras that show prepared frames, an arm that is only messages, and the recorder, each a process of its
own. Afterwards the stamps that were published are compared with those in the store.
"""

from __future__ import annotations

import csv
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crl_data.bench.process_usage import Usage, cpu_shares, growth_mb_per_minute, sample
from crl_data.store import Store
from crl_robot.errors import ConfigError
from crl_robot.graph import Graph, NodeCommand

if TYPE_CHECKING:
    from crl_data.bench.nodes.record_client import RecordClient

RECORDER, CAMERAS, ARM = "recorder", "replay_cameras", "fake_arm"
JUST_BEFORE_NS = 1_000_000_000
"""How long before the first message of an episode one may have got lost that the episode counts."""


def run(
    seconds: float = 600.0,
    cameras: int = 2,
    size: tuple[int, int] = (640, 480),
    fps: float = 30.0,
    state_hz: float = 100.0,
    encoding: str = "jpeg",
    out: Path | None = None,
    on_second: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Record one episode of ``seconds``, in which every frame is a step with an action; returns flat facts.

    Args:
        cameras, size, fps: number of cameras, (width, height) in pixels, frames a second of each.
        state_hz: arm states a second.
        encoding: jpeg or lossless.
        out: folder that gets the samples (usage.csv), a plot (usage.png), the audit and the nodes' logs; the store is
            removed at the end.
        on_second: called about once a second.

    Raises:
        ConfigError: a value is out of range.
        GraphError: a node ended or refused.
        StoreError: what was recorded cannot be read.
    """
    if not (1 <= seconds <= 86_400 and 1 <= cameras <= 8 and 0 < fps <= 200 and 1 <= state_hz <= 1000):
        raise ConfigError(
            f"seconds={seconds} cameras={cameras} fps={fps} state_hz={state_hz}, expected 1 to 86400 seconds, 1 to 8 "
            "cameras, up to 200 frames and 1 to 1000 states a second"
        )
    names = [f"camera_{index}" for index in range(cameras)]
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crl-bench-", dir=out)))
        logs = work if out is None else out
        commands = bench_nodes(work, names, size, fps, state_hz, encoding)
        with Graph(commands, logs) as graph:
            usage = _record(graph, seconds, on_second)
        facts = compare(work, names)
    settings = {"seconds": seconds, "cameras": cameras, "width": size[0], "height": size[1], "fps": fps}
    facts = settings | {"state_hz": state_hz, "encoding": encoding} | facts | _usage_facts(usage)
    if out is not None:
        _write(out, usage, facts)
    return facts


def bench_nodes(
    work: Path, names: Sequence[str], size: tuple[int, int], fps: float, state_hz: float, encoding: str
) -> list[NodeCommand]:
    """The three processes; the publishers write what they published into CSV files in ``work``."""
    frame = {"cameras": list(names), "width": size[0], "height": size[1]}
    shown = frame | {"fps": fps, "log": str(work / "frames.csv")}
    arm = {"rate_hz": state_hz, "camera": names[-1], "log": str(work / "arm.csv"), "action.rate_hz": fps}
    recorder = frame | {"store": str(work / "record.zarr"), "encoding": encoding, "action.rate_hz": fps}
    recorder |= {"camera_rate_hz": fps, "arm_rate_hz": state_hz, "align_tolerance_s": round(0.8 / fps, 4)}
    return [
        NodeCommand(CAMERAS, "crl_robot.nodes.replay_cameras_node", parameters=shown),
        NodeCommand(ARM, "crl_data.bench.nodes.fake_arm_node", parameters=arm),
        NodeCommand(RECORDER, "crl_data.nodes.recorder_node", "ros/recorder.yaml", recorder),
    ]


def compare(work: Path, cameras: Sequence[str]) -> dict[str, Any]:
    """Of each stream: published while it was recorded, received, recorded, unused, lost, and what no count explains.

    ``foreign`` are recorded stamps that nobody published.
    """
    store = Store.open(work / "record.zarr")
    (meta,) = store.metas()
    episode = store.read(meta.id)
    published = _published(work)
    audits = {stream["name"]: stream for stream in meta.options["audit"]["streams"]}
    recorded = {name: episode.cameras[name].stamp_ns for name in cameras}
    recorded["arm"] = store.array(meta, "streams/arm/stamp_ns")
    recorded["actions"] = recorded[cameras[-1]]  # each action names a frame of that camera
    lost = dict(meta.lost) | {"actions": meta.lost["actions"] + meta.lost["steps"]}
    facts: dict[str, Any] = {"steps": meta.steps, "verdict": meta.options["audit"]["verdict"]}
    facts["reasons"] = meta.options["audit"]["reasons"]
    facts["requests_lost"] = meta.lost["requests"]
    for name, stamps in recorded.items():
        facts |= {f"{name}_{key}": v for key, v in _account(published[name], stamps, audits[name], lost[name]).items()}
    facts["lost"] = sum(meta.lost.values())
    facts["uncounted"] = sum(facts[f"{name}_uncounted"] for name in recorded)
    facts["foreign"] = sum(facts[f"{name}_foreign"] for name in recorded)
    facts["store_mb"] = round(sum(f.stat().st_size for f in (work / "record.zarr").rglob("*") if f.is_file()) / 1e6, 1)
    return facts


def _account(
    published: NDArray[np.int64], recorded: NDArray[np.int64], audit: Mapping[str, Any], lost: int
) -> dict[str, int]:
    first, last = audit["first_stamp_ns"], audit["last_stamp_ns"]
    sent = int(((published >= first) & (published <= last)).sum())
    kept = np.unique(recorded[recorded >= first])
    # A loss shows with the next message: what is counted beyond those sent may have got lost just before the first.
    just_before = int(((published < first) & (published >= first - JUST_BEFORE_NS)).sum())
    sent += min(just_before, max(0, len(kept) + audit["unused"] + lost - sent))
    return {
        "published": sent,
        "received": audit["count"],
        "recorded": len(kept),
        "unused": audit["unused"],
        "lost": lost,
        "uncounted": sent - len(kept) - audit["unused"] - lost,
        "foreign": len(np.setdiff1d(kept, published)),
    }


def _published(work: Path) -> dict[str, NDArray[np.int64]]:
    stamps: dict[str, list[int]] = defaultdict(list)
    for name in ("frames.csv", "arm.csv"):
        with (work / name).open(encoding="utf-8") as file:
            rows = csv.reader(file)
            next(rows)
            for stream, stamp in rows:
                stamps[stream].append(int(stamp))
    return {stream: np.array(values, np.int64) for stream, values in stamps.items()}


def _record(graph: Graph, seconds: float, on_second: Callable[[], None]) -> dict[str, list[Usage]]:
    """Record one episode; returns the samples of each process, once a second."""
    from crl_data.bench.nodes.record_client import RecordClient

    with RecordClient(graph.env, graph.check) as client:
        client.wait_until_ready()
        client.start()
        usage = _watch(graph, client, seconds, on_second)
        client.ask("stop")
        client.ask("accept")
    return usage


def _watch(graph: Graph, client: RecordClient, seconds: float, on_second: Callable[[], None]) -> dict[str, list[Usage]]:
    usage: dict[str, list[Usage]] = {name: [] for name in (RECORDER, CAMERAS, ARM)}
    begin = time.monotonic()
    for second in range(round(seconds) + 1):
        client.wait(lambda due=begin + second: time.monotonic() >= due, seconds + 10, "end of the recording")
        for name, samples in usage.items():
            samples.append(sample(graph.pid(name)))
        on_second()
    return usage


def _usage_facts(usage: Mapping[str, Sequence[Usage]]) -> dict[str, Any]:
    samples = list(usage[RECORDER])
    memory = [s.memory_mb for s in samples]
    facts: dict[str, Any] = {
        "memory_start_mb": round(memory[0], 1),
        "memory_max_mb": round(max(memory), 1),
        "memory_end_mb": round(memory[-1], 1),
        "memory_growth_mb_per_minute": round(growth_mb_per_minute(samples), 3),
        "resident_max_mb": round(max(s.resident_mb for s in samples), 1),
    }
    for name, values in usage.items():
        shares = cpu_shares(list(values))
        facts[f"cpu_{name}"] = round(float(np.mean(shares)), 3)
        facts[f"cpu_{name}_max"] = round(max(shares), 3)
    return facts


def _write(out: Path, usage: Mapping[str, Sequence[Usage]], facts: Mapping[str, Any]) -> None:
    (out / "record.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    with (out / "usage.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["process", *asdict(usage[RECORDER][0])])
        rows.writerows([name, *asdict(s).values()] for name, samples in usage.items() for s in samples)
    from crl_data.bench.record_plot import plot_usage

    plot_usage(out / "usage.png", usage)
