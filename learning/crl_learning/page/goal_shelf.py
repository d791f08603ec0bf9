"""The goals that an operator can choose from: every goal of this run, each once, newest first."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePath
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from crl_robot.errors import ConfigError

KEPT = 24
_TOPICS = re.compile(r"goal/([^/+]+/)?image(/compressed)?(\+goal/.*)?")


def label_of(source: str, now: datetime) -> str:
    """What a thumbnail is called: the name of its file or frame, else how it came and when."""
    if source.startswith("captured"):
        return f"captured {now:%H:%M:%S}"
    if _TOPICS.fullmatch(source):
        return f"sent {now:%H:%M:%S}"
    return PurePath(source).name


@dataclass(frozen=True)
class ShelvedGoal:
    """One goal.

    Attributes:
        id: first digits of the SHA-256 of its pixels.
        label: where it came from, in a word or two; empty while nobody has said it.
        image: uint8 (H, W, 3) RGB, as it is sent to the policy.
        png: the same, for the browser.
    """

    id: str
    label: str
    image: NDArray[np.uint8]
    png: bytes


class GoalShelf:
    """Keeps the newest goals. Safe to use from several threads."""

    def __init__(self) -> None:
        self._goals: OrderedDict[str, ShelvedGoal] = OrderedDict()
        self._lock = threading.Lock()
        self._chosen = ""
        self._expected = ""

    def expect(self, label: str) -> None:
        """The next new goal is called so."""
        with self._lock:
            self._expected = label

    def put(self, image: NDArray[np.uint8], label: str = "") -> str:
        """Add a goal that is in force from now on, uint8 (H, W, 3) RGB; returns its id. A known one keeps its place."""
        name = hashlib.sha256(image.tobytes()).hexdigest()[:16]
        with self._lock:
            if name not in self._goals:
                png = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()
                self._goals[name] = ShelvedGoal(name, self._expected or label, image, png)
                self._expected = ""
                while len(self._goals) > KEPT:
                    self._goals.popitem(last=False)
            self._chosen = name
        return name

    def name_chosen(self, label: str) -> str:
        """Give the goal in force its label, if it has none yet; returns the one that it has."""
        with self._lock:
            goal = self._goals.get(self._chosen)
            if goal is None:
                return label
            if not goal.label:
                goal = self._goals[goal.id] = replace(goal, label=label)
            return goal.label

    def get(self, name: str) -> ShelvedGoal:
        """One goal. Raises ConfigError when it is not on the shelf."""
        with self._lock:
            if name not in self._goals:
                raise ConfigError(f"there is no goal '{name}' here any more; load the page again")
            return self._goals[name]

    def take_off(self, name: str) -> None:
        """Forget a goal. Raises ConfigError when it is not there, or in force."""
        self.get(name)
        with self._lock:
            if name == self._chosen:
                raise ConfigError("this goal is in force; choose another one before you remove it")
            self._goals.pop(name, None)

    def facts(self) -> dict[str, Any]:
        """Ids and labels, newest first, and the one in force."""
        with self._lock:
            items = [{"id": goal.id, "label": goal.label} for goal in reversed(self._goals.values())]
            return {"items": items, "chosen": self._chosen}
