"""The folder of one recorded run, while it is written: facts, ticks and events, line by line.

    RUN/run.json         what was run, with what, and how it ended; `ended` is null while it runs
    RUN/ticks.jsonl      one object a control tick, as on policy/progress
    RUN/events.jsonl     one object a change: state, goal, stage, arm, check, late
    RUN/goals/           each goal as the camera and as the network sees it
    RUN/data.zarr        a trajectory store with the run as its one episode

Lines are handed to the operating system one by one, so that a process that is killed leaves whole lines.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from crl_data.told_ticks import ToldTicks
from crl_learning.runs.goals import HeardGoal
from crl_robot.durable import replace_file
from crl_robot.errors import StoreError

SCHEMA, SCHEMA_VERSION = "crl_run", 1
FACTS, TICKS, EVENTS, GOALS, DATA = "run.json", "ticks.jsonl", "events.jsonl", "goals", "data.zarr"


class RunFolder:
    """Writes one run. Every method raises StoreError when the disk refuses.

    Args:
        path: a folder that is not there yet.
        facts: what run.json holds besides goals and how it ended.
    """

    def __init__(self, path: Path, facts: Mapping[str, Any]) -> None:
        self.path = path
        self._facts: dict[str, Any] = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **facts}
        self._facts |= {"goals": [], "ended": None, "episode": "", "steps": 0, "lost": {}}
        self._facts |= {"success": None, "judge": ""}
        try:
            (path / GOALS).mkdir(parents=True)
            for name in (TICKS, EVENTS):
                (path / name).touch()
        except OSError as error:
            raise StoreError(
                f"{path} cannot be written to ({error.strerror or error}); choose another folder for runs"
            ) from error
        self._write_facts()
        self.ticks = ToldTicks(path)
        """All so far."""

    @property
    def facts(self) -> dict[str, Any]:
        """What run.json holds."""
        return dict(self._facts)

    def add_tick(self, tick: Mapping[str, Any]) -> None:
        """Add one control tick."""
        self._line(TICKS, tick)
        self.ticks.add(tick)

    def add_event(self, stamp_ns: int, kind: str, text: str, data: Mapping[str, Any] | None = None) -> None:
        """Add one event."""
        self._line(EVENTS, {"stamp_ns": stamp_ns, "kind": kind, "text": text, "data": dict(data or {})})

    def add_goal(self, goal: HeardGoal) -> None:
        """Keep a goal with its pictures."""
        number = len(self._facts["goals"])
        entry: dict[str, Any] = {
            "file": f"{GOALS}/stage_{number:03d}.png",
            "seen": f"{GOALS}/seen_{number:03d}.png",
            "source": goal.source,
            "warnings": list(goal.warnings),
            "stamp_ns": goal.stamp_ns,
            "stage": goal.stage,
            "others": {camera: f"{GOALS}/stage_{number:03d}-{camera}.png" for camera in goal.others},
        }
        self._image(entry["file"], goal.native)
        for camera, file in entry["others"].items():
            self._image(file, goal.others[camera])
        self._image(entry["seen"], goal.seen)
        self._facts["goals"].append(entry)
        self._write_facts()

    def end(self, **facts: Any) -> None:
        """Write how it ended."""
        self._facts |= facts
        self._write_facts()

    def _line(self, name: str, entry: Mapping[str, Any]) -> None:
        try:
            with (self.path / name).open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
        except OSError as error:
            raise StoreError(f"{self.path} takes nothing more ({error.strerror or error}); make room") from error

    def _image(self, name: str, image: NDArray[np.uint8]) -> None:
        coded, data = cv2.imencode(".png", image[..., ::-1])
        if not coded:
            raise StoreError(f"goal image {image.shape} cannot be coded as PNG, expected uint8 (H, W, 3)")
        self._replace(self.path / name, data.tobytes())

    def _write_facts(self) -> None:
        self._replace(self.path / FACTS, (json.dumps(self._facts, indent=2) + "\n").encode())

    def _replace(self, file: Path, content: bytes) -> None:
        try:
            replace_file(file, content)
        except OSError as error:
            raise StoreError(f"{file} cannot be written ({error.strerror or error}); make room") from error


def free_folder(path: Path) -> Path:
    """``path``; where a recorder that was killed has left that, the first of path-2, path-3, ... that is not there."""
    others = (path.with_name(f"{path.name}-{number}") for number in itertools.count(2))
    return next(one for one in itertools.chain([path], others) if not one.exists())
