"""rosbag2 bags (sqlite3 or MCAP) by a topic map: a column is `/topic.field`, a camera is its image topic.

Messages are taken in the order of their arrival through the recorder's own code, so a bag gives the steps that the
recorder would have recorded. One bag is one episode unless a pause or a marker topic splits it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.exchange.bag import bag_messages, is_bag, picture
from crl_data.exchange.bag_index import BagIndex, index_bag, split_column
from crl_data.exchange.bag_marks import BagAction, BagFrame, BagState
from crl_data.exchange.bag_plan import BagPlan, plan_bag
from crl_data.exchange.bag_steps import BagEpisode, episodes
from crl_data.exchange.errors import MappingError, SourceError
from crl_data.exchange.importing import ImportReport, import_episodes
from crl_data.exchange.mapping import SourceMapping
from crl_data.exchange.source import CameraSource, Image, SourceEpisode, SourceReference, episode_id
from crl_data.exchange.values import Table

PRESET: dict[str, Any] = {"clock": "receive", "tolerance_s": 0.02, "max_age_s": 0.5, "align_s": 0.05}
OPTIONS = ("clock", "tolerance_s", "max_age_s", "align_s", "action_stamp", "gap_s", "marker")


def import_rosbag(
    source: Path, mapping: SourceMapping, out: Path, *, skip_damaged: bool = False, progress: bool = True
) -> ImportReport:
    """Take the episodes of a bag, or of every bag below a folder, into the store at ``out``.

    Raises:
        As `import_episodes`.
    """
    bags = (
        [source] if is_bag(source) else sorted(path for path in source.rglob("*") if is_bag(path) and not _inner(path))
    )
    if not bags:
        raise MappingError(f"{source} holds no bag: no folder with metadata.yaml, no .mcap and no .db3 file")
    references = [reference for bag in bags for reference in _references(source, bag, mapping)]
    return import_episodes(references, mapping, out, source="rosbag", skip_damaged=skip_damaged, progress=progress)


def _references(source: Path, bag: Path, mapping: SourceMapping) -> list[SourceReference]:
    name = bag.relative_to(source).as_posix() if bag != source else bag.name
    split = mapping.options.get("gap_s") is not None or mapping.options.get("marker")
    try:
        count = len(_index_and_episodes(plan_bag(bag, mapping))[1]) if split else 1
    except SourceError:
        count = 1  # reading it again reports it as damaged, in its turn
    words = [source.resolve().name] + ([name] if bag != source else [])
    return [
        SourceReference(
            episode_id(*words, *([f"{number:04d}"] if split else [])),
            f"{name}, episode {number}" if split else name,
            partial(_read_episode, bag, mapping, number),
        )
        for number in range(count)
    ]


@lru_cache(maxsize=1)
def _index_and_episodes(plan: BagPlan) -> tuple[BagIndex, list[BagEpisode]]:
    index = index_bag(plan.bag, [topic for topic, _ in plan.cameras], plan.columns, plan.clock)
    found = episodes(index, plan.alignment, plan.gap_s, plan.marker)
    return index, list(found)


def _read_episode(bag: Path, mapping: SourceMapping, number: int) -> SourceEpisode:
    plan = plan_bag(bag, mapping)
    index, found = _index_and_episodes(plan)
    if number >= len(found) or not found[number].steps:
        lost = found[number].lost if number < len(found) else {}
        raise SourceError(f"no step could be put together within the tolerances; lost: {lost}")
    episode, steps = found[number], found[number].steps
    states = [step.observation.arm for step in steps]
    states += [episode.final] if episode.final and plan.alignment.action and not plan.mixed_actions else []
    rows = [state for state in states if isinstance(state, BagState)]
    arrays = {"state_stamp_ns": np.array([state.joints.stamp_ns for state in rows], np.int64)}
    if plan.clock == "receive":
        arrays["state_receive_stamp_ns"] = np.array([state.joints.receive_stamp_ns for state in rows], np.int64)
    return SourceEpisode(
        table=_table(plan, index, episode, rows),
        rows=len(rows),
        actions=len(steps),
        cameras={name: _camera(plan, index, topic, episode) for topic, name in plan.cameras},
        stamp_ns=np.array([step.observation.stamp_ns for step in steps], np.int64),
        arrays=arrays if plan.alignment.states else {},
        meta={"lost": episode.lost | _late(index), "options": {"tolerance_s": plan.alignment.tolerance_s}},
    )


def _table(plan: BagPlan, index: BagIndex, episode: BagEpisode, states: Sequence[BagState]) -> Table:
    columns, names = {}, {}
    for column in plan.columns:
        topic, field = split_column(column)
        if topic == plan.alignment.action:
            rows = [step.executed.row for step in episode.steps if isinstance(step.executed, BagAction)]
        elif topic in plan.alignment.states:
            rows = [state.rows[topic] for state in states]
        else:
            continue
        values = index.topics[topic].values[field]
        columns[column] = np.array([values[row] for row in rows])
        names[column] = index.topics[topic].names
    return Table(columns, names)


def _camera(plan: BagPlan, index: BagIndex, name: str, episode: BagEpisode) -> CameraSource:
    frames = [step.observation.frames[name] for step in episode.steps]
    rows = np.array([frame.row for frame in frames if isinstance(frame, BagFrame)])
    topic = index.topics[name]
    received = np.array(topic.receive_ns, np.int64)
    return CameraSource(
        partial(_pictures, plan.bag, name, rows, received),
        np.array(topic.stamp_ns, np.int64)[rows],
        received[rows] if plan.clock == "receive" else None,
    )


def _pictures(bag: Path, topic: str, rows: NDArray[np.int64], received: NDArray[np.int64]) -> Iterator[Image]:
    """One picture for each of ``rows``, which never go back; reads the bag once, from where they begin."""
    start_ns, stop_ns = int(received[rows[0]]), int(received[rows[-1]]) + 1
    messages = enumerate(bag_messages(bag, [topic], start_ns, stop_ns), int(np.searchsorted(received, start_ns)))
    at, body = -1, None
    for row in rows:
        while at < row:
            at, body = next(messages)
        if body is not None:
            yield picture(body.body, f"{topic}, message {row}")


def _late(index: BagIndex) -> dict[str, int]:
    return {f"late {name}": topic.late for name, topic in index.topics.items() if topic.late}


def _inner(path: Path) -> bool:
    """Whether a file belongs to a bag that is a folder."""
    return path.is_file() and is_bag(path.parent)
