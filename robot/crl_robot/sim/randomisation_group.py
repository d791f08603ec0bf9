"""A group of ranges that a randomisation draws from uniformly, with a switch.

A group draws plain numbers, so that a draw can be written as JSON and made again from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from crl_robot.errors import ConfigError, ContractError
from crl_robot.sim.world_options import require_option_range

Range = tuple[float, float]
OBJECTS_DRAWN = 8
"""Objects that a draw has values for; scenes have fewer."""


@dataclass(frozen=True)
class Group:
    """What every group has; ``OPTION`` names the world option whose bounds a range must keep."""

    OPTION: ClassVar[dict[str, str]] = {}

    enabled: bool = False

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, tuple | list):
                self._require_range(one.name, value)

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        """Values of fields of `WorldOptions`."""
        return {}

    def _require_range(self, name: str, value: Sequence[float]) -> None:
        label = f"{name} of {type(self).__name__.lower()} is {list(value)}"
        if len(value) != 2 or not (np.isfinite(value).all() and value[0] <= value[1]):
            raise ConfigError(f"randomisation: {label}, expected [low, high]")
        try:
            if name in self.OPTION:
                require_option_range(self.OPTION[name], value)
        except ContractError as error:
            raise ConfigError(f"randomisation: {label}; {error}") from error


def many(rng: np.random.Generator, bounds: Range, count: int) -> tuple[float, ...]:
    """So many values of a range."""
    return tuple(one(rng, bounds) for _ in range(count))


def one(rng: np.random.Generator, bounds: Range) -> float:
    """A value of a range, rounded to six digits."""
    return min(max(round(float(rng.uniform(*bounds)), 6), bounds[0]), bounds[1])


def seed(rng: np.random.Generator) -> int:
    """A seed for what is not told by a few numbers."""
    return int(rng.integers(2**31 - 1))
