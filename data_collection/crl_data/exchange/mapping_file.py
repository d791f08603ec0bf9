"""Reads a mapping: what a format knows by itself, then a YAML file, then flags, each overruling the one before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import yaml

from crl_data.exchange.errors import MappingError
from crl_data.exchange.mapping import (
    ActionColumns,
    GripperColumn,
    JointColumns,
    Kind,
    PoseColumns,
    RotationAs,
    SourceMapping,
    Zero,
)
from crl_data.exchange.values import choose, number, parse_values, require_known
from crl_data.schema import CAMERA_NAME


def mapping_from_dict(data: Mapping[str, Any], options: Iterable[str] = ()) -> SourceMapping:
    """Plain data, as YAML gives it -> mapping; ``options`` are the keys that one format adds. Raises MappingError."""
    own = [f.name for f in fields(SourceMapping) if f.name != "options"]
    require_known("the mapping", data, (*own, *options))
    values = {key: value for key, value in data.items() if key in own and value is not None}
    for key, read in _READERS.items():
        if key in values:
            values[key] = read(key, values[key])
    return SourceMapping(**values, options={key: value for key, value in data.items() if key not in own})


def read_mapping_file(path: Path) -> dict[str, Any]:
    """The content of a mapping file. Raises MappingError when it cannot be read or is no YAML mapping."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise MappingError(f"{path} cannot be read as a mapping: {error}") from error
    if not isinstance(data, dict):
        raise MappingError(f"{path} holds {type(data).__name__}, expected keys such as robot, rate and cameras")
    return data


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with the entries of ``over`` put over it, table by table."""
    out = dict(base)
    for key, value in over.items():
        inner = out.get(key)
        out[key] = merged(inner, value) if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
    return out


def from_settings(words: Sequence[str]) -> dict[str, Any]:
    """``["action.kind=delta", ...]`` -> nested data, each value read as YAML. Raises MappingError."""
    data: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not all(key.split(".")):
            raise MappingError(f"'{word}' is not of the form key=value, for example action.kind=delta")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise MappingError(f"the value of '{word}' cannot be read: {error}") from error
        for name in reversed(key.split(".")):
            value = {name: value}
        data = merged(data, value)
    return data


def _table(key: str, data: Any, known: Sequence[str], required: Sequence[str]) -> dict[str, Any]:
    if not isinstance(data, Mapping):
        raise MappingError(f"{key} is {data!r}, expected the keys {', '.join(known)}")
    require_known(key, data, known)
    missing = [f"{key}.{name}" for name in required if name not in data]
    if missing:
        raise MappingError(f"the mapping lacks {', '.join(missing)}")
    return dict(data)


def _pose(key: str, data: Any) -> PoseColumns:
    table = _table(key, data, ("position", "rotation", "rotation_as", "zero"), ("position", "rotation", "rotation_as"))
    return PoseColumns(
        parse_values(f"{key}.position", table["position"]),
        parse_values(f"{key}.rotation", table["rotation"]),
        choose(f"{key}.rotation_as", table["rotation_as"], get_args(RotationAs)),
        choose(f"{key}.zero", table.get("zero", "base"), get_args(Zero)),
    )


def _gripper(key: str, data: Any) -> GripperColumn:
    table = _table(key, data, ("value", "open", "closed"), ("value", "open", "closed"))
    ends = [number(f"{key}.{end}", table[end]) for end in ("open", "closed")]
    if ends[0] == ends[1]:
        raise MappingError(f"{key}.open and {key}.closed are both {ends[0]}; say what the source's two ends are")
    return GripperColumn(parse_values(f"{key}.value", table["value"]), *ends)


def _action(key: str, data: Any) -> ActionColumns:
    pose_keys = ("position", "rotation", "rotation_as", "zero")
    table = _table(key, data, ("kind", *pose_keys, "gripper"), ("kind",))
    kind = choose(f"{key}.kind", table.pop("kind"), get_args(Kind))
    if kind == "tool":
        return ActionColumns(kind)
    if "gripper" not in table:
        raise MappingError(f"the mapping lacks {key}.gripper")
    gripper = _gripper(f"{key}.gripper", table.pop("gripper"))
    return ActionColumns(kind, _pose(key, table), gripper)


def _joints(key: str, data: Any) -> JointColumns:
    table = _table(key, data, ("names", "position", "velocity"), ("names", "position"))
    if not isinstance(table["names"], list):
        raise MappingError(f"{key}.names is {table['names']!r}, expected a list of names")
    velocity = parse_values(f"{key}.velocity", table["velocity"]) if "velocity" in table else ()
    return JointColumns(tuple(map(str, table["names"])), parse_values(f"{key}.position", table["position"]), velocity)


def _cameras(key: str, data: Any) -> dict[str, str]:
    if not isinstance(data, Mapping) or not all(isinstance(name, str) for name in data.values()):
        raise MappingError(f"{key} is {data!r}, expected our name for each source camera, e.g. images0: over_shoulder")
    names = [str(name) for name in data.values()]
    bad = [name for name in names if not CAMERA_NAME.fullmatch(name)]
    if bad or len(set(names)) < len(names):
        raise MappingError(f"cameras are named {names}, expected different names of letters, digits, '_', '-' and '.'")
    return {str(source): str(name) for source, name in data.items()}


def _text(key: str, data: Any) -> str:
    if not isinstance(data, str):
        raise MappingError(f"{key} is {data!r}, expected text")
    return data


def _quality(key: str, data: Any) -> int:
    if data not in range(1, 101):
        raise MappingError(f"{key} is {data!r}, expected a whole number from 1 to 100")
    return int(data)


_READERS = {
    "robot": _text,
    "rate": number,
    "quality": _quality,
    "action": _action,
    "tool": _pose,
    "gripper": _gripper,
    "target": _pose,
    "joints": _joints,
    "cameras": _cameras,
}
