"""Delays of the simulated world: what a camera sees is old, what the servos hear comes late; in inner ticks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Command = tuple[Array, float]
"""Joints (N,) rad and gripper opening 0..1."""


class Delays:
    """Remembers states for the cameras and commands for the servos; without delays it remembers nothing."""

    def __init__(self, camera_ticks: int = 0, arm_ticks: int = 0) -> None:
        self._camera_ticks, self._arm_ticks = camera_ticks, arm_ticks
        self._states: deque[Array] = deque(maxlen=self._camera_ticks + 1)
        self._commands: deque[tuple[int, Command]] = deque()
        self._tick = 0

    def begin(self, state: Callable[[], Array]) -> None:
        """Forget what was; the world was put to rest in ``state()``."""
        self._states.clear()
        self._commands.clear()
        self.remember(state)

    def remember(self, state: Callable[[], Array]) -> None:
        """Take the state after an inner tick, where cameras will want it."""
        if self._camera_ticks:
            self._states.append(state())

    def seen(self) -> tuple[Array, int] | None:
        """The state that cameras see and its age in inner ticks; None for the present one."""
        return (self._states[0], len(self._states) - 1) if self._states else None

    def give(self, command: Command) -> None:
        """Take a command that is to be due later."""
        self._commands.append((self._tick + self._arm_ticks, command))

    def due(self) -> list[Command]:
        """The commands for the inner tick that begins now, oldest first; call it once a tick."""
        due = []
        while self._commands and self._commands[0][0] <= self._tick:
            due.append(self._commands.popleft()[1])
        self._tick += 1
        return due

    @property
    def delays_commands(self) -> bool:
        """Whether commands have to be given here."""
        return self._arm_ticks > 0
