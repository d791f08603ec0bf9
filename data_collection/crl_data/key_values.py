"""Hydra-style key=value words -> a typed dataclass with defaults; an unknown key fails with the nearest known one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, TypeVar

from crl_robot.errors import ConfigError, nearest

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Settings = TypeVar("Settings", bound=DataclassInstance)
else:
    Settings = TypeVar("Settings")


def from_words(kind: type[Settings], words: Sequence[str]) -> Settings:
    """``['task=push', 'episodes=10', ...]`` -> settings, every field of which has a default. Raises ConfigError."""
    defaults = {field.name: field.default for field in fields(kind) if field.default is not MISSING}
    values: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            raise ConfigError(f"'{word}' is not of the form key=value; keys: {', '.join(defaults)}")
        if key not in defaults:
            raise ConfigError(f"unknown key '{key}', {nearest(key, defaults)}")
        values[key] = _convert(key, text, type(defaults[key]))
    return kind(**values)


def require_known(key: str, value: str, known: Collection[str]) -> None:
    """Raise ConfigError naming the nearest known word when ``value`` is none of them."""
    if value not in known:
        raise ConfigError(f"{key}={value} is unknown, {nearest(value, known)}")


def require_at_least(settings: object, **lowest: int) -> None:
    """Raise ConfigError for the first of these fields that is below its lowest value."""
    for name, low in lowest.items():
        if getattr(settings, name) < low:
            raise ConfigError(f"{name}={getattr(settings, name)}, expected at least {low}")


_SWITCH = {"true": True, "false": False}


def _convert(key: str, text: str, kind: type) -> Any:
    if kind is bool:
        if text.lower() not in _SWITCH:
            raise ConfigError(f"{key}={text}, expected true or false")
        return _SWITCH[text.lower()]
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError as error:
            raise ConfigError(f"{key}={text}, expected a {'whole ' if kind is int else ''}number") from error
    return text.strip("[]")
