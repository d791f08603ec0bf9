"""From configs/randomisation/NAME.yaml and words such as ``light.factor=[0.8,1.2]`` to a `Randomisation`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import yaml

from crl_robot.errors import ConfigError, nearest
from crl_robot.resources import config_file
from crl_robot.sim.randomisation import Randomisation
from crl_robot.sim.randomisation_group import Group

NONE = "none"
"""The file in which everything is off."""


def load_randomisation(name: str = NONE, changes: Mapping[str, str] | None = None) -> Randomisation:
    """The ranges of a file, changed by ``changes`` such as ``{"light.factor": "[0.8,1.2]"}``.

    Args:
        name: a file of configs/randomisation without its ending, or the path of one that ends with .yaml.
        changes: values as YAML, by group and name.

    Raises:
        ConfigError: the file, a group, a name or a value cannot be used; names the nearest known one.
    """
    path = _file(name)
    try:
        groups = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"randomisation={name}: {path} cannot be read as YAML: {error}") from error
    found = _changed(Randomisation(), groups or {}, str(path))
    for key, text in (changes or {}).items():
        group, dot, one = key.partition(".")
        if not dot:
            raise ConfigError(
                f"randomisation.{key} is a group; set one of its values, as randomisation.{key}.enabled=true"
            )
        found = _changed(found, {group: {one: _parsed(key, text)}}, "the command line")
    return found


def _file(name: str) -> Path:
    if name.endswith(".yaml"):
        if not Path(name).is_file():
            raise ConfigError(f"randomisation={name} is no file; give the path of a YAML file")
        return Path(name)
    known = [path.stem for path in config_file(f"randomisation/{NONE}.yaml").parent.glob("*.yaml")]
    if name not in known:
        raise ConfigError(f"randomisation={name} is unknown, {nearest(name, known)}; a file of yours ends with .yaml")
    return config_file(f"randomisation/{name}.yaml")


def _parsed(key: str, text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"randomisation.{key}={text}, expected true, false, a number or [low,high]") from error


def _changed(base: Randomisation, groups: Any, where: str) -> Randomisation:
    known = {one.name: getattr(base, one.name) for one in fields(base)}
    changed = {}
    for name, values in _mapping(groups, where).items():
        if name not in known:
            raise ConfigError(f"{where}: randomisation has no group '{name}', {nearest(str(name), known)}")
        changed[name] = _changed_group(known[name], _mapping(values, f"{where}, group {name}"), f"{where}: {name}")
    return replace(base, **changed)


def _changed_group(group: Group, values: Mapping[str, Any], where: str) -> Group:
    now = {one.name: getattr(group, one.name) for one in fields(group)}
    for name, value in values.items():
        if name not in now:
            raise ConfigError(f"{where} has no '{name}', {nearest(str(name), now)}")
        now[name] = _like(now[name], value, f"{where}.{name}")
    return type(group)(**now)


def _like(example: Any, value: Any, where: str) -> Any:
    """``value`` as the type that ``example`` has; a range of whole numbers takes no others."""
    if isinstance(example, bool):
        if not isinstance(value, bool):
            raise ConfigError(f"{where} is {value!r}, expected true or false")
        return value
    if isinstance(example, tuple):
        if not isinstance(value, list) or len(value) != len(example):
            raise ConfigError(f"{where} is {value!r}, expected [low, high]")
        return tuple(_like(one, entry, where) for one, entry in zip(example, value, strict=True))
    if isinstance(value, bool) or not isinstance(value, int if isinstance(example, int) else int | float):
        raise ConfigError(f"{where} is {value!r}, expected a {'whole ' if isinstance(example, int) else ''}number")
    return type(example)(value)


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where} is {value!r}, expected names with values, such as enabled: true")
    return value
