"""What the page knows: written by whoever listens to the graph, read by every browser. Safe to use from threads."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from crl_learning.page.goal_shelf import GoalShelf, label_of
from crl_learning.page.noticing import notices
from crl_learning.page.series import Ring
from crl_robot.errors import ConfigError, nearest

Source = Literal["arm", "policy", "progress", "run", "recorder"]
Level = Literal["info", "good", "warning", "error"]

STALE_S: dict[Source, float] = {"arm": 3.0, "policy": 3.0, "progress": 3.0, "run": 5.0, "recorder": 3.0}
"""Silence after which a node that tells its status again and again counts as away."""
KEPT_EVENTS = 200


@dataclass(frozen=True)
class Picture:
    """The newest picture of one kind.

    Attributes:
        number: grows with each one.
        data: a JPEG or PNG.
        age_ms: since it was shown first; a browser that comes later must not take it for the present.
    """

    number: int
    data: bytes
    age_ms: int = 0


@dataclass
class _Heard:
    facts: dict[str, Any] = field(default_factory=dict)
    at_s: float = -math.inf


class Board:
    """The state of the robot as heard, without asking anybody.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._start_s = clock, clock()
        self._lock = threading.Lock()
        self._heard: dict[Source, _Heard] = {name: _Heard() for name in STALE_S}
        self._pictures: dict[str, tuple[Picture, float]] = {}
        self._events: deque[dict[str, Any]] = deque(maxlen=KEPT_EVENTS)
        self._event_count = 0
        self._rings = {"timing": Ring(), "progress": Ring()}
        self.goals, self._new_goal = GoalShelf(), False
        self.cameras: tuple[str, ...] = ()
        """Cameras that can be shown; the first is shown now."""

    def choose_camera(self, name: str) -> None:
        """Show that camera from now on. Raises ConfigError for one that the page does not have."""
        if name not in self.cameras:
            raise ConfigError(f"the page has no camera '{name}', {nearest(name, self.cameras)}")
        self.cameras = (name, *(other for other in self.cameras if other != name))

    def found_cameras(self, names: Collection[str]) -> None:
        """These cameras are there now; the shown one stays, and stays first."""
        shown = self.cameras[:1]
        self.cameras = (*shown, *sorted(set(names) - set(shown)))

    def hear(self, source: Source, facts: Mapping[str, Any]) -> None:
        """Take a status; what an operator should notice in it becomes an event."""
        with self._lock:
            if source == "policy" and facts.get("goal") and self._new_goal:
                self._new_goal = False
                name = self.goals.name_chosen(label_of(str(facts["goal"]), datetime.now()))
                self._note("info", f"new goal: {name}")
            refused = facts.get("goal_refused") if source == "policy" else ""
            if refused and refused != self._heard["policy"].facts.get("goal_refused"):
                self.goals.expect("")
            before, self._heard[source] = self._heard[source], _Heard(dict(facts), self._clock())
            for level, text in notices(source, before.facts, facts):
                self._note(level, text)

    def take_goal(self, image: NDArray[np.uint8]) -> None:
        """A goal is in force, uint8 (H, W, 3) RGB; the policy's next status says what it is."""
        with self._lock:
            self.goals.put(image)
            self._new_goal = True

    def facts(self, source: Source) -> dict[str, Any] | None:
        """The newest status of a node; None when it was never heard or is silent for too long."""
        with self._lock:
            return self._facts(source)

    def sample(self, ring: Literal["timing", "progress"], *values: float | None) -> None:
        """Add to a series: timing (lateness, age, inference in ms), progress (expected, low and high
        steps to the goal, reached, critic's estimate).
        """
        with self._lock:
            self._rings[ring].add(self._seconds(), [math.nan if value is None else value for value in values])

    def show(self, name: str, data: bytes) -> None:
        """Replace the picture of that name."""
        with self._lock:
            number = self._pictures[name][0].number + 1 if name in self._pictures else 1
            self._pictures[name] = Picture(number, data), self._clock()

    def pictures(self, seen: Mapping[str, int]) -> dict[str, Picture]:
        """The pictures that are newer than the numbers in ``seen``, with the age that they have now."""
        with self._lock:
            now_s, new = self._clock(), [(n, *got) for n, got in self._pictures.items() if got[0].number != seen.get(n)]
            return {name: replace(picture, age_ms=round(1e3 * (now_s - at_s))) for name, picture, at_s in new}

    def note(self, level: Level, text: str) -> None:
        """Add an event."""
        with self._lock:
            self._note(level, text)

    def snapshot(self, numbers: Mapping[str, int]) -> dict[str, Any]:
        """All facts, and those samples and events that are newer than ``numbers`` (by 'timing', 'progress', 'events').

        Also the 'numbers' to ask with the next time, and who was heard once and is 'silent' now.
        """
        with self._lock:
            known = len(self._events)
            new_events = min(max(self._event_count - numbers.get("events", 0), 0), known)
            counts = {name: ring.count for name, ring in self._rings.items()}
            return {
                "seconds": self._seconds(),
                **{name: self._facts(name) for name in STALE_S},
                "silent": [name for name, heard in self._heard.items() if heard.facts and not self._facts(name)],
                "goals": self.goals.facts(),
                "cameras": self.cameras,
                "samples": {name: ring.since(numbers.get(name, 0)) for name, ring in self._rings.items()},
                "events": list(self._events)[known - new_events :],
                "numbers": {**counts, "events": self._event_count},
            }

    def _facts(self, source: Source) -> dict[str, Any] | None:
        heard = self._heard[source]
        return heard.facts if self._clock() - heard.at_s <= STALE_S[source] and heard.facts else None

    def _note(self, level: str, text: str) -> None:
        self._events.append({"time_s": round(time.time(), 3), "level": level, "text": text})
        self._event_count += 1

    def _seconds(self) -> float:
        return round(self._clock() - self._start_s, 3)
