"""What the chosen topics of a bag hold, in the order in which a node would have seen it; pictures stay in the bag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.exchange.bag import BagMessage, bag_messages, numbers
from crl_data.exchange.errors import MappingError, SourceError
from crl_data.exchange.values import split_reference

SAME_CLOCK_S = 60.0
"""Header and receive stamps further apart than this are not of one clock."""


@dataclass
class Topic:
    """The messages of one topic, a row for each in the order of arrival.

    Attributes:
        stamp_ns: stamps of the source.
        receive_ns: stamps of arrival at whoever wrote the bag.
        values: numbers of each field that the mapping asks for.
        names: of the numbers, for JointState.
        late: messages that came with an older stamp than one before.
    """

    stamp_ns: list[int] = field(default_factory=list)
    receive_ns: list[int] = field(default_factory=list)
    values: dict[str, list[NDArray[np.float64]]] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    late: int = 0


@dataclass(frozen=True)
class BagEvent:
    """A message as a node would have got it: when, on which topic, and its row there."""

    now_ns: int
    topic: str
    row: int


@dataclass(frozen=True)
class BagIndex:
    """Topics by name, and their messages as one sequence of events."""

    topics: Mapping[str, Topic]
    events: Sequence[BagEvent]


def split_column(column: str) -> tuple[str, str]:
    """``/topic.field`` -> (topic, field). Raises MappingError."""
    topic, dot, name = column.partition(".")
    if not dot or not topic or not name:
        raise MappingError(f"'{column}' names no field of a topic, expected for example /joint_states.position[0:6]")
    return topic, name


def columns_of(references: Sequence[str]) -> list[str]:
    """The columns that references name, each once."""
    return list(dict.fromkeys(split_reference(reference)[0] for reference in references))


def index_bag(path: Path, cameras: Sequence[str], columns: Sequence[str], clock: str) -> BagIndex:
    """Read a bag once. ``clock`` is 'receive' or 'header': by which stamps the messages are put in order.

    Raises:
        MappingError: a topic or field is missing, or the clocks differ.
        SourceError: the bag is damaged.
    """
    fields: dict[str, list[str]] = {topic: [] for topic in cameras}
    for column in columns:
        topic, name = split_column(column)
        fields.setdefault(topic, []).append(name)
    topics = {name: Topic(values={f: [] for f in wanted}) for name, wanted in fields.items()}
    events = []
    for message in bag_messages(path, list(topics)):
        topic = topics[message.topic]
        if topic.stamp_ns and message.stamp_ns < max(topic.stamp_ns[-1], 0):
            topic.late += 1
        else:
            now_ns = message.receive_ns if clock == "receive" else message.stamp_ns
            events.append(BagEvent(now_ns, message.topic, len(topic.stamp_ns)))
        _add(topic, message)
    if clock == "receive":
        _require_one_clock(path, topics)
    events.sort(key=lambda event: event.now_ns)
    return BagIndex(topics, events)


def _add(topic: Topic, message: BagMessage) -> None:
    names = tuple(getattr(message.body, "name", ())) if topic.values else ()
    topic.names = topic.names or names
    for wanted, rows in topic.values.items():
        row = numbers(message.body, wanted, message.topic)
        if names and len(row) == len(names):
            row = _reordered(row, names, topic.names, message.topic)
        if rows and len(row) != len(rows[0]):
            raise SourceError(f"{message.topic}.{wanted} has {len(row)} numbers, in earlier messages {len(rows[0])}")
        rows.append(row)
    topic.stamp_ns.append(message.stamp_ns)
    topic.receive_ns.append(message.receive_ns)


def _reordered(row: NDArray[Any], names: tuple[str, ...], order: tuple[str, ...], what: str) -> NDArray[Any]:
    if names == order:
        return row
    if sorted(names) != sorted(order):
        raise SourceError(f"{what} has joints {list(names)}, in earlier messages {list(order)}; import one arm only")
    return row[[names.index(name) for name in order]]


def _require_one_clock(path: Path, topics: Mapping[str, Topic]) -> None:
    for name, topic in topics.items():
        apart_s = np.abs(np.subtract(topic.receive_ns, topic.stamp_ns)) / 1e9
        if len(apart_s) and np.median(apart_s) > SAME_CLOCK_S:
            raise MappingError(
                f"{path}: stamps of {name} and of its arrival are {np.median(apart_s):.0f} s apart, as with simulated "
                "time; put messages in order by their own stamps with --set clock=header"
            )
