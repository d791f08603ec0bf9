"""From a YAML file of configs/ and ``key=value`` words to a typed dataclass, with hydra."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import field, fields, is_dataclass, make_dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import OverrideType
from hydra.errors import HydraException
from omegaconf import MISSING, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from crl_robot.errors import ConfigError, nearest

T = TypeVar("T")


def load_settings(schema: type[T], config: Path, overrides: Sequence[str]) -> T:
    """The settings of ``config`` with ``overrides`` such as ``seed=3`` or ``world.light=0.6``, as ``schema``.

    The YAML file lists ``<name>_schema`` first in its defaults, so that types are checked and no key can be invented.

    Raises:
        ConfigError: a key is unknown (names the nearest one), a value has the wrong type or is refused by the
            dataclass, or an override is not of the form key=value.
    """
    ConfigStore.instance().store(name=f"{config.stem}_schema", node=_unfrozen(schema))
    for word in overrides:
        _require_change(word, schema, config)
    try:
        with initialize_config_dir(str(config.parent), version_base="1.3"):
            composed = compose(config.stem, overrides=list(overrides))
        missing = sorted(OmegaConf.missing_keys(composed))
        if missing:
            raise ConfigError(f"{' and '.join(missing)} must be given, as {missing[0]}=...; see --help and {config}")
        values = OmegaConf.to_container(composed, throw_on_missing=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(f"{_reason(error, schema, overrides)}; see --help and {config}") from error
    return _build(schema, values)


def _require_change(word: str, schema: type[Any], config: Path) -> None:
    """Raises ConfigError unless ``word`` is key=value with a known key, and names a file where a group is chosen."""
    try:
        (change,) = OverridesParser.create().parse_overrides([word])
    except HydraException as error:
        raise ConfigError(
            f"got '{word}', expected key=value; a value with special characters needs two pairs of quotes: "
            "\"key='a value'\""
        ) from error
    if change.type is not OverrideType.CHANGE or change.is_sweep_override():
        raise ConfigError(f"got '{word}', expected key=value: settings are only ever changed, each to one value")
    key, value = change.key_or_group, change.value()
    if not is_dataclass(_declared(key, schema)) or isinstance(value, dict):
        return
    choices = sorted(file.stem for file in (config.parent / key).glob("*.yaml"))
    if not choices:
        raise ConfigError(f"{key} is a group of settings; set one of them as {key}.NAME=value")
    if value not in choices:
        raise ConfigError(f"{key} is '{value}'; {nearest(str(value), choices)}")


def _reason(error: Exception, schema: type[Any], overrides: Sequence[str]) -> str:
    """What is wrong, in words of the command line; where hydra's cause names no setting, its own on one line."""
    cause = error if isinstance(error, OmegaConfBaseException) else error.__cause__
    key = str(getattr(cause, "full_key", None) or "").partition("[")[0]
    given = [word.partition("=")[2] for word in overrides if key and word.partition("=")[0] == key]
    if key and given:
        return f"{key}={given[-1]}, expected {_in_words(_declared(key, schema))}"
    texts = [str(part).partition("Config search path")[0] for part in (error, error.__cause__) if part is not None]
    return " ".join(" ".join(texts).split())


def _in_words(hint: Any) -> str:
    """What a value of a declared type looks like."""
    kinds = (hint,) if get_origin(hint) is tuple else get_args(hint) or (hint,)
    return " or ".join(_kind_in_words(kind) for kind in kinds)


def _kind_in_words(kind: Any) -> str:
    if get_origin(kind) is tuple:
        return LISTS.get(get_args(kind)[0], "a list")
    return WORDS.get(kind, "another value")


WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a word",
    type(None): "null",
}
NUMBERS = "a list of numbers such as [1,2]"
LISTS = {int: NUMBERS, float: NUMBERS, str: "a list of words such as [a,b]"}
"""By the type of the entries."""


def _declared(key: str, schema: type[Any]) -> Any:
    """The type of the dotted ``key``, found by walking down the dataclasses of ``schema``. Raises ConfigError."""
    at: Any = schema
    for part in key.split("."):
        known = {one.name for one in fields(at)} if is_dataclass(at) else set()
        if part not in known:
            raise ConfigError(f"unknown setting '{key}'; {nearest(part, known)}; settings are given as key=value")
        at = get_type_hints(at)[part]
    return at


@cache
def _unfrozen(schema: type[Any]) -> type[Any]:
    """The same fields in a dataclass that hydra may fill in: it takes a frozen one as read-only."""
    hints = get_type_hints(schema)
    declared: list[tuple[str, Any, Any]] = []
    for one in fields(schema):
        hint = hints[one.name]
        if is_dataclass(hint):
            inner = _unfrozen(hint)
            declared.append((one.name, inner, field(default_factory=inner)))
        else:
            declared.append((one.name, hint, MISSING if one.default is dataclasses.MISSING else one.default))
    return make_dataclass(schema.__name__, declared)


def _build(schema: type[T], values: Any) -> T:
    """The dataclass from plain values; YAML knows lists only, so they become tuples where tuples are declared."""
    hints = get_type_hints(schema)
    return schema(**{name: _built(hints[name], value) for name, value in values.items()})


def _built(hint: Any, value: Any) -> Any:
    if isinstance(hint, type) and is_dataclass(hint):
        return _build(hint, value)
    declared = {get_origin(one) or one for one in (hint, *get_args(hint))}
    return tuple(value) if isinstance(value, list) and tuple in declared else value
