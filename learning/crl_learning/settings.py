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
    try:
        for override in OverridesParser.create().parse_overrides(list(overrides)):
            if override.type is not OverrideType.CHANGE:
                raise ConfigError(f"got '{override.input_line}', expected key=value: settings are only ever changed")
            _require_known(override.key_or_group, schema)
        with initialize_config_dir(str(config.parent), version_base="1.3"):
            composed = compose(config.stem, overrides=list(overrides))
        values = OmegaConf.to_container(composed, throw_on_missing=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(f"{_reason(error)}; settings are given as key=value, see {config}") from error
    return _build(schema, values)


def _reason(error: Exception) -> str:
    """What hydra and its cause say, on one line and without the search path."""
    texts = [str(part).partition("Config search path")[0] for part in (error, error.__cause__) if part is not None]
    return " ".join(" ".join(texts).split())


def _require_known(key: str, schema: type[Any]) -> None:
    """Walk the dotted ``key`` down the dataclasses of ``schema``."""
    at = schema
    for part in key.split("."):
        known = {one.name for one in fields(at)} if is_dataclass(at) else set()
        if part not in known:
            raise ConfigError(f"unknown setting '{key}'; {nearest(part, known)}; settings are given as key=value")
        at = get_type_hints(at)[part]


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
