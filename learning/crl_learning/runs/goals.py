"""Goals as the run recorder hears of them: pictures on several topics, and a status that names them by their stamp."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

WAITING = 20
"""Goals of which something has not been heard; older ones are forgotten."""
UNNAMED = "replaced before it was named"
NATIVE, SEEN = "native", "seen"
"""Pictures of the camera that the policy shows: at its size, and as the network sees it."""
Picture = NDArray[np.uint8]


def native_of(camera: str) -> str:
    """What the picture of another camera that the policy sees is called, at that camera's size."""
    return f"{NATIVE}/{camera}"


@dataclass(frozen=True)
class HeardGoal:
    """A goal, uint8 (H, W, 3) RGB at the camera's size and as the network sees it, and what the policy node says of it.

    ``stamp_ns`` is when it came into force, ``stage`` the number of the stage that it was, ``others`` are its pictures
    of further cameras at their size.
    """

    stamp_ns: int
    native: Picture
    seen: Picture
    source: str
    warnings: tuple[str, ...]
    stage: int | None = None
    others: Mapping[str, Picture] = field(default_factory=dict)


@dataclass(frozen=True)
class _Named:
    source: str = UNNAMED
    warnings: tuple[str, ...] = ()
    stage: int | None = None


class HeardGoals:
    """Joins pictures and names, in whatever order they come.

    Args:
        cameras: those of which pictures can be heard.
    """

    def __init__(self, cameras: Collection[str] = ()) -> None:
        self.present: HeardGoal | None = None
        """The newest one that is whole."""
        self._cameras = cameras
        self._others: list[str] = []
        self._pictures: dict[int, dict[str, Picture]] = {}
        self._names: dict[int, _Named] = {}

    def has(self, stamp_ns: int) -> bool:
        """Whether the goal of this stamp, 0 for none, is whole or was replaced by one that is."""
        return not stamp_ns or (self.present is not None and self.present.stamp_ns >= stamp_ns)

    def add_picture(self, stamp_ns: int, which: str, image: Picture) -> None:
        """Take a picture: NATIVE, SEEN or that of `native_of`."""
        if self.present is None or stamp_ns > self.present.stamp_ns:
            self._pictures.setdefault(stamp_ns, {})[which] = image

    def add_status(self, status: Mapping[str, Any]) -> None:
        """Take the name of the goal that the policy node acts towards now."""
        shown, seen_by = status.get("goal_camera"), status.get("cameras") or ()
        self._others = [camera for camera in seen_by if camera != shown and camera in self._cameras]
        stamp_ns = int(status.get("goal_stamp_ns") or 0)
        if stamp_ns and (self.present is None or stamp_ns > self.present.stamp_ns):
            warnings = tuple(status.get("goal_warnings") or ())
            self._names[stamp_ns] = _Named(str(status.get("goal", "")), warnings, status.get("stage"))

    def take(self) -> list[HeardGoal]:
        """Goals that have become whole, in order; also those that were replaced before the node named them."""
        named = max(self._names, default=0)
        needed = {NATIVE, SEEN, *map(native_of, self._others)}
        whole = [at for at in sorted(self._pictures) if needed <= self._pictures[at].keys() and at <= named]
        taken = [self._goal(at) for at in whole]
        if taken:
            self.present = taken[-1]
        self._forget(self.present.stamp_ns if self.present else 0)
        return taken

    def _goal(self, at: int) -> HeardGoal:
        pictures, named = self._pictures[at], self._names.get(at, _Named())
        others = {camera: pictures[native_of(camera)] for camera in self._others}
        return HeardGoal(at, pictures[NATIVE], pictures[SEEN], named.source, named.warnings, named.stage, others)

    def _forget(self, up_to_ns: int) -> None:
        for heard in (self._pictures, self._names):
            newest = sorted(heard)[-WAITING:]
            for stamp_ns in [at for at in heard if at <= up_to_ns or at not in newest]:
                del heard[stamp_ns]
