"""An Action as the command source of a campaign sends it: whatever it says, right or wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

ACTION_NAMES = ("dx", "dy", "dz", "droll", "dpitch", "dyaw", "gripper")


@dataclass(frozen=True)
class Outgoing:
    """Names and values (m, rad, gripper 0..1), and the stamp in ns."""

    values: tuple[float, ...]
    stamp_ns: int
    names: tuple[str, ...] = ACTION_NAMES


Shape = Callable[[Outgoing], Outgoing]


def unchanged(action: Outgoing) -> Outgoing:
    """As it is."""
    return action


def valued(values: tuple[float, ...]) -> Shape:
    """The same values every time."""
    return lambda action: replace(action, values=values)


def named(names: tuple[str, ...]) -> Shape:
    """Other names."""
    return lambda action: replace(action, names=names)


def resized(count: int) -> Shape:
    """Another number of values."""
    return lambda action: replace(action, values=(action.values * 2)[:count])


def spoiled(index: int, value: float) -> Shape:
    """One value is not a number, or not finite."""
    return lambda action: replace(action, values=(*action.values[:index], value, *action.values[index + 1 :]))


def shifted(seconds: float) -> Shape:
    """Stamped in the past or in the future."""
    return lambda action: replace(action, stamp_ns=action.stamp_ns + round(seconds * 1e9))
