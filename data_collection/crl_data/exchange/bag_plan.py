"""What a mapping asks of one bag, checked against the bag's topics."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crl_data.exchange.bag import IMAGE_TYPES, bag_topics
from crl_data.exchange.bag_index import columns_of, split_column
from crl_data.exchange.bag_steps import Alignment
from crl_data.exchange.errors import MappingError
from crl_data.exchange.mapping import SourceMapping
from crl_data.exchange.values import choose, number


@dataclass(frozen=True)
class BagPlan:
    """What a mapping asks of one bag; equal plans of one bag give equal episodes.

    ``mixed_actions``: parts of actions or states come from each other's topics, so both end with the last action.
    """

    bag: Path
    cameras: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    alignment: Alignment
    clock: str
    gap_s: float | None
    marker: str
    mixed_actions: bool


def plan_bag(bag: Path, mapping: SourceMapping) -> BagPlan:
    """Check a mapping against the topics of a bag. Raises MappingError or SourceError."""
    types = bag_topics(bag)
    cameras = mapping.choose_cameras([topic for topic, kind in types.items() if kind in IMAGE_TYPES])
    options, others = mapping.options, ", ".join(f"{t} ({k})" for t, k in types.items() if k not in IMAGE_TYPES)
    mapping.require_complete(f"{bag} has the topics {others}")
    columns = columns_of(mapping.action_columns)
    made_by = _topic(columns[0]) if columns else ""
    marker = str(options.get("marker", ""))
    measured = columns_of(mapping.state_columns)
    states = [column for column in [*columns, *measured] if _topic(column) != made_by]
    alignment = Alignment(
        cameras=tuple(cameras),
        states=tuple(dict.fromkeys(_topic(column) for column in states)),
        action=made_by,
        action_stamp=_action_stamp(made_by, options.get("action_stamp")),
        **{name: number(name, options[name]) for name in ("tolerance_s", "max_age_s", "align_s")},
        rate_hz=mapping.rate or 0.0,
    )
    return BagPlan(
        bag,
        tuple(cameras.items()),
        tuple(columns_of([*columns, *measured]) + ([f"{marker}.data"] if marker else [])),
        alignment,
        choose("clock", options["clock"], ("receive", "header")),
        None if options.get("gap_s") is None else number("gap_s", options["gap_s"]),
        marker,
        {_topic(column) for column in columns} != {made_by} or made_by in map(_topic, measured),
    )


def _topic(column: str) -> str:
    return split_column(column)[0]


def _action_stamp(topic: str, said: Any) -> str:
    if not topic:
        return ""
    if said is None:
        raise MappingError(
            f"the mapping does not say what the stamps of {topic} mean: --set action_stamp=observation (of the newest "
            "frame that it was computed from, as this project sends) or --set action_stamp=own (when it was made)"
        )
    return choose("action_stamp", said, ("observation", "own"))
