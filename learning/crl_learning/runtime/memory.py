"""What a policy node must know that is started again: the goals in force, the stage, and whether to begin by itself.

Kept in a folder of the launch at every change. So a node that died goes on towards what was wanted last, not towards
what was wanted at first; and it begins nothing that an operator had ended.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from crl_learning.runtime.settings import MIN_SPEED
from crl_robot.errors import ConfigError
from crl_robot.goal_image import GoalImage

FACTS = "memory.json"
PICTURES = ("goals-0.npy", "goals-1.npy")
"""By turns, so that the facts never name a file that is being written; '' in them: no goals."""


@dataclass(frozen=True)
class Going:
    """What goes on.

    Attributes:
        stage: number of the goal that a run would act towards.
        begins: whether a node that is started now begins to act by itself.
        source: whether it commands the arm; not while the arm is handed over.
        speed: factor on the deltas.
    """

    stage: int
    begins: bool
    source: bool
    speed: float

    def __post_init__(self) -> None:
        if not MIN_SPEED <= self.speed <= 1:
            raise ConfigError(f"speed is {self.speed}, expected {MIN_SPEED} to 1")


@dataclass(frozen=True)
class Remembered:
    """What was so when the node died; ``goals`` in order, empty where there were none."""

    goals: tuple[GoalImage, ...]
    going: Going


NOTHING = Remembered((), Going(0, begins=False, source=True, speed=1.0))
"""What is known where nothing can be read."""


class RunMemory:
    """Files of one node in ``folder``. Safe to use from threads.

    The facts name the file of the goals and are replaced in one step. What cannot be written is forgotten: a node that
    finds no facts waits for its operator. Nothing is synced: when the power fails, the launch is gone, too.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._goals: Sequence[GoalImage] = ()
        self._file = ""
        self._kept: Going | None = None
        self.failure = ""
        """Why nothing could be kept the last time; '' when it could."""

    def begin(self) -> Remembered | None:
        """What an earlier process kept, None where there was none; from now on nothing begins until more is kept.

        Raises:
            ConfigError: the folder cannot be written to.
        """
        found = self._read() if self._folder.exists() else None
        before = found or NOTHING
        self.keep(lambda: (self._goals, replace(before.going, begins=False)))
        if self.failure:
            raise ConfigError(f"{self.failure}, expected a folder to write to; free the disk, or use respawn:=false")
        return found

    def keep(self, now: Callable[[], tuple[Sequence[GoalImage], Going]]) -> None:
        """Note ``now()`` where it is new: goals by their identity, and what goes on."""
        with self._lock:
            goals, going = now()
            others = len(goals) != len(self._goals) or any(a is not b for a, b in zip(goals, self._goals, strict=True))
            if others or going != self._kept:
                self._write(goals, going, others)

    def _read(self) -> Remembered:
        """What the files say; their goals count as written."""
        try:
            found: Mapping[str, Any] = json.loads((self._folder / FACTS).read_text(encoding="utf-8"))
            pictures = np.load(self._folder / found["file"], allow_pickle=False) if found["file"] else ()
            goals = tuple(
                GoalImage(np.ascontiguousarray(picture), tuple(one["warnings"]), str(one["source"]))
                for picture, one in zip(pictures, found["goals"], strict=True)
            )
            stage = int(found["stage"])
            if goals and not 0 <= stage < len(goals):
                return NOTHING
            going = Going(stage, found["begins"] is True, found["source"] is True, float(found["speed"]))
            self._goals, self._file = goals, str(found["file"])
            return Remembered(goals, going)
        except (OSError, EOFError, ValueError, KeyError, TypeError):
            return NOTHING

    def _write(self, goals: Sequence[GoalImage], going: Going, others: bool) -> None:
        """The pictures first, then the facts that name them."""
        facts, new, file = self._folder / FACTS, self._folder / f"{FACTS}.new", self._file
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if others:
                file = PICTURES[self._file == PICTURES[0]] if goals else ""
                if goals:
                    np.save(self._folder / file, np.stack([goal.image for goal in goals]))
            named = [{"source": goal.source, "warnings": list(goal.warnings)} for goal in goals]
            new.write_text(json.dumps({"file": file, "goals": named, **asdict(going)}), encoding="utf-8")
            new.replace(facts)
        except OSError as error:
            self.failure = f"what goes on cannot be kept in {self._folder} ({error.strerror or error})"
            self._goals, self._kept = (), None
            with suppress(OSError):
                facts.unlink(missing_ok=True)
            return
        if self._file and file != self._file:
            with suppress(OSError):
                (self._folder / self._file).unlink(missing_ok=True)
        self._goals, self._file, self._kept, self.failure = tuple(goals), file, going, ""
