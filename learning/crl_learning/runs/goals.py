"""Goals as the run recorder hears of them: two pictures on two topics, and a status that names them by their stamp."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

WAITING = 20
"""Goals of which something has not been heard; older ones are forgotten."""
UNNAMED = "replaced before it was named"


@dataclass(frozen=True)
class HeardGoal:
    """A goal, uint8 (H, W, 3) RGB at the camera's size and as the network sees it, and what the policy node says of it.

    ``stamp_ns`` is when it came into force.
    """

    stamp_ns: int
    native: NDArray[np.uint8]
    seen: NDArray[np.uint8]
    source: str
    warnings: tuple[str, ...]


class HeardGoals:
    """Joins pictures and names, in whatever order they come."""

    def __init__(self) -> None:
        self.present: HeardGoal | None = None
        """The newest one that is whole."""
        self._pictures: dict[int, dict[str, NDArray[np.uint8]]] = {}
        self._names: dict[int, tuple[str, tuple[str, ...]]] = {}

    def add_picture(self, stamp_ns: int, which: str, image: NDArray[np.uint8]) -> None:
        """Take a picture, 'native' or 'seen'."""
        if self.present is None or stamp_ns > self.present.stamp_ns:
            self._pictures.setdefault(stamp_ns, {})[which] = image

    def add_status(self, status: Mapping[str, Any]) -> None:
        """Take the name of the goal that the policy node acts towards now."""
        stamp_ns = int(status.get("goal_stamp_ns") or 0)
        if stamp_ns and (self.present is None or stamp_ns > self.present.stamp_ns):
            self._names[stamp_ns] = str(status.get("goal", "")), tuple(status.get("goal_warnings") or ())

    def take(self) -> list[HeardGoal]:
        """Goals that have become whole, in order; also those that were replaced before the node named them."""
        named = max(self._names, default=0)
        whole = [at for at in sorted(self._pictures) if len(self._pictures[at]) == 2 and at <= named]
        taken = [self._goal(at) for at in whole]
        if taken:
            self.present = taken[-1]
        self._forget(self.present.stamp_ns if self.present else 0)
        return taken

    def _goal(self, stamp_ns: int) -> HeardGoal:
        pictures, (source, warnings) = self._pictures[stamp_ns], self._names.get(stamp_ns, (UNNAMED, ()))
        return HeardGoal(stamp_ns, pictures["native"], pictures["seen"], source, warnings)

    def _forget(self, up_to_ns: int) -> None:
        for heard in (self._pictures, self._names):
            newest = sorted(heard)[-WAITING:]
            for stamp_ns in [at for at in heard if at <= up_to_ns or at not in newest]:
                del heard[stamp_ns]
