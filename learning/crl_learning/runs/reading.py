"""Opens a recorded run, also one that was cut off: `open_run(folder)`. Neither ROS nor torch is needed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crl_data.episode import Episode
from crl_data.store import Store
from crl_learning.runs.folder import DATA, EVENTS, FACTS, SCHEMA, SCHEMA_VERSION, TICKS
from crl_robot.errors import GoalImageError, StoreError
from crl_robot.goal_image import GoalImage, load_goal_image


@dataclass(frozen=True)
class Run:
    """One recorded run; ``facts`` is what its run.json holds."""

    folder: Path
    facts: dict[str, Any]

    @property
    def cut_off(self) -> bool:
        """Whether it never ended: it still runs, or its recorder was killed."""
        return self.facts["ended"] is None

    def ticks(self) -> list[dict[str, Any]]:
        """Control ticks in order, as published on policy/progress; a line that was cut off is left out."""
        return list(_lines(self.folder / TICKS))

    def events(self) -> list[dict[str, Any]]:
        """What happened, in order."""
        return list(_lines(self.folder / EVENTS))

    def goals(self) -> list[GoalImage]:
        """Goal images at the camera's native size; those that cannot be read are left out."""
        found = []
        for entry in self.facts["goals"]:
            native = tuple(self.facts.get("native") or (320, 240))
            try:
                goal = load_goal_image(self.folder / entry["file"], (int(native[0]), int(native[1])))
            except GoalImageError:
                continue
            found.append(GoalImage(goal.image, tuple(entry.get("warnings", ())), entry.get("source", "")))
        return found

    def episode(self) -> Episode | None:
        """Frames, actions and arm states; None where the recorder did not come to commit them. Raises StoreError."""
        path = self.folder / DATA
        if not path.is_dir() or not self.facts.get("episode"):
            return None
        return Store.open(path).read(self.facts["episode"])


def open_run(folder: str | Path) -> Run:
    """Open a run's folder. Raises StoreError when it is none, or its run.json cannot be read."""
    folder = Path(folder).expanduser()
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    except OSError as error:
        raise StoreError(
            f"{folder} is not a recorded run: it has no readable {FACTS}; name a folder in runs/"
        ) from error
    except ValueError as error:
        raise StoreError(f"{folder / FACTS} is damaged ({error}); its ticks and data.zarr may still be read") from error
    got = (facts.get("schema"), facts.get("schema_version")) if isinstance(facts, dict) else (None, None)
    if got != (SCHEMA, SCHEMA_VERSION):
        raise StoreError(
            f"{folder / FACTS} has schema {got[0]!r} version {got[1]!r}, this program reads '{SCHEMA}' version "
            f"{SCHEMA_VERSION}; use the program version that wrote it"
        )
    return Run(folder, facts)


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file that holds one a line; a line that was cut off is left out."""
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            yield from filter(None, map(_object, lines))
    except OSError:
        return


def _object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
