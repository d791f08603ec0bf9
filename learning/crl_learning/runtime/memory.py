"""What a policy node must know that is started again: the goals in force, the stage, and whether to begin by itself.

Kept in a folder of the launch at every change. So a node that died goes on towards what was wanted last, not towards
what was wanted at first; and it begins nothing that an operator had ended.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crl_robot.errors import ConfigError
from crl_robot.goal_image import GoalImage

FACTS, GOALS = "memory.json", "goals.npy"


@dataclass(frozen=True)
class Going:
    """What goes on.

    Attributes:
        stage: number of the goal that is acted towards.
        begins: whether a node that is started now begins to act by itself.
        speed: factor on the deltas.
    """

    stage: int
    begins: bool
    speed: float


@dataclass(frozen=True)
class Remembered:
    """What was so when the node died; ``goals`` in order, empty where there were none."""

    goals: tuple[GoalImage, ...]
    going: Going


class RunMemory:
    """Files of one node in ``folder``. Safe to use from threads.

    What cannot be written is forgotten: a node that knows nothing waits for its operator. Nothing is synced: when the
    power fails, the launch is gone, too.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._goals: list[dict[str, Any]] = []
        self._kept: Going | None = None
        self.failure = ""
        """Why nothing could be kept the last time; '' when it could."""

    def read(self) -> Remembered | None:
        """What an earlier process kept; None where there was none. Raises ConfigError when it cannot be read."""
        facts = self._folder / FACTS
        if not self._folder.exists():
            return None
        try:
            found: Mapping[str, Any] = json.loads(facts.read_text(encoding="utf-8"))
            pictures = np.load(self._folder / GOALS, allow_pickle=False) if found["goals"] else ()
            goals = tuple(
                GoalImage(np.ascontiguousarray(picture), tuple(one["warnings"]), str(one["source"]))
                for picture, one in zip(pictures, found["goals"], strict=True)
            )
            return Remembered(goals, Going(int(found["stage"]), bool(found["begins"]), float(found["speed"])))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"{facts} does not say what was going on before this node was started again ({error}), expected goals, "
                "stage, begins and speed; set the goal anew and call policy/start"
            ) from error

    def keep_goals(self, goals: Sequence[GoalImage], going: Going) -> None:
        """Other goals are in force."""
        with self._lock:
            self._goals = [{"source": goal.source, "warnings": list(goal.warnings)} for goal in goals]
            self._write(going, np.stack([goal.image for goal in goals]))

    def keep(self, going: Going) -> None:
        """Another stage or speed, or a run that began, was paused or ended."""
        with self._lock:
            if self._kept != going:
                self._write(going)

    def _write(self, going: Going, pictures: np.ndarray | None = None) -> None:
        """The facts last: before they are there nothing is remembered rather than something wrong."""
        facts, new = self._folder / FACTS, self._folder / f"{FACTS}.new"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if pictures is not None:
                facts.unlink(missing_ok=True)
                np.save(self._folder / GOALS, pictures)
            new.write_text(json.dumps({"goals": self._goals, **asdict(going)}), encoding="utf-8")
            new.replace(facts)
        except OSError as error:
            self.failure = f"what goes on cannot be kept in {self._folder} ({error.strerror or error})"
            with suppress(OSError):
                facts.unlink(missing_ok=True)
            return
        self._kept, self.failure = going, ""
