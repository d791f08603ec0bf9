"""`WorldOptions` from a line of JSON, for a parameter or a flag."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from crl_robot.errors import ConfigError, ContractError, nearest
from crl_robot.sim.world_options import WorldOptions


def world_from_json(text: str) -> WorldOptions:
    """What differs from the world as it is modelled, such as '{"servo_gain": 0.7}'; '' is nothing.

    Raises:
        ConfigError: it is no JSON object, or an option is unknown or out of its bounds.
    """
    try:
        values = json.loads(text or "{}")
    except ValueError as error:
        raise ConfigError(f'the world is {text!r}, expected JSON such as {{"servo_gain": 0.7}}: {error}') from error
    if not isinstance(values, dict):
        raise ConfigError(f'the world is {text!r}, expected a JSON object such as {{"servo_gain": 0.7}}')
    known = {one.name for one in fields(WorldOptions)}
    for name in values:
        if name not in known:
            raise ConfigError(f"no world option is named '{name}'; {nearest(name, known)}")
    try:
        return WorldOptions(**{name: _tupled(value) for name, value in values.items()})
    except (ContractError, TypeError, ValueError) as error:
        raise ConfigError(f"the world is {text!r}: {error}") from error


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
