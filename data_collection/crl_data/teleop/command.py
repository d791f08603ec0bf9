"""What an operator asks for at one instant: every device makes this, one mapper takes it.

Keyboard and 3D mouse send their Commands over `/joy` as plain axes and buttons, so that all devices meet in one path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crl_robot.errors import ContractError, nearest

AXES = ("x", "y", "z", "roll", "pitch", "yaw")
SESSION_BUTTONS = ("start", "stop", "keep", "drop", "success", "goal")
BUTTONS = ("deadman", "clutch", "open", "close", "toggle", "faster", "slower", *SESSION_BUTTONS)
"""deadman: motion only while held. clutch: held, motion is ignored. open, close, toggle: the gripper."""

_ROUNDING = 0.01
"""Sticks report up to this much beyond their range."""


@dataclass(frozen=True, eq=False)
class Command:
    """Axes and buttons, already in the operator's terms.

    Attributes:
        twist: float64 (6,) in -1..1: x forward, y left, z up, roll, pitch, yaw; a share of the speed that is allowed.
        pressed: names out of BUTTONS that are down.
        opening: gripper opening 0..1 that an analog axis asks for; None when the device has none.
    """

    twist: NDArray[np.float64] = field(default_factory=lambda: np.zeros(6))
    pressed: frozenset[str] = frozenset()
    opening: float | None = None

    def __post_init__(self) -> None:
        twist = unit_range("twist", self.twist, len(AXES))
        twist.flags.writeable = False
        object.__setattr__(self, "twist", twist)
        for name in self.pressed - set(BUTTONS):
            raise ContractError(f"no button is named '{name}'; {nearest(name, BUTTONS)}")
        if self.opening is not None and not 0.0 <= self.opening <= 1.0:
            raise ContractError(f"gripper opening is {self.opening}, expected 0 (closed) to 1 (open)")

    @property
    def deadman(self) -> bool:
        return "deadman" in self.pressed

    @property
    def clutch(self) -> bool:
        return "clutch" in self.pressed

    def to_plain(self) -> tuple[list[float], list[int]]:
        """Axes and buttons in the order of AXES and BUTTONS, as the layout 'plain' reads them."""
        return self.twist.tolist(), [int(name in self.pressed) for name in BUTTONS]


def unit_range(what: str, values: Sequence[float] | NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """(count,) values clipped to -1..1. Raises ContractError when they are not finite or clearly beyond that."""
    array = np.array(values, dtype=np.float64)
    if array.shape != (count,):
        raise ContractError(f"{what} has shape {array.shape}, expected ({count},)")
    if not (np.isfinite(array).all() and (np.abs(array) <= 1.0 + _ROUNDING).all()):
        raise ContractError(f"{what} is {array.tolist()}, expected finite numbers from -1 to 1; is the device broken?")
    return np.clip(array, -1.0, 1.0)


RELEASED = Command()
"""Nothing is touched."""
