"""The folder of a training run, and what must still be there after it ended in whatever way.

`checkpoints/step_N/`, the link `checkpoint` to the newest of them, `resume/`, `metrics.csv`, `tensorboard/` and
`settings.json`. A checkpoint or a snapshot is there whole or not at all; the link moves in one step.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crl_learning.checkpoint import Checkpoint, save_checkpoint
from crl_learning.outputs import require_no_run, writable_folder
from crl_learning.snapshot import RESUME
from crl_learning.tensors import remove_leftovers
from crl_robot import durable
from crl_robot.errors import CrlError

SETTINGS = "settings.json"


class DivergenceError(CrlError, ArithmeticError):
    """The loss is no longer a finite number; names the last checkpoint from before."""


class RunWriteError(CrlError, OSError):
    """The disk did not take what a run writes; names what is still good."""


class RunFolder:
    """Where one run writes."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()

    @property
    def resume(self) -> Path:
        """Folder of the resume snapshot."""
        return self.path / RESUME

    def start(self, settings: dict[str, Any]) -> None:
        """Begin an empty run. Raises ConfigError where the folder is in use or cannot be written to."""
        require_no_run(self.path)
        writable_folder(self.path)
        with self.writing("settings"):
            durable.replace_file(self.path / SETTINGS, (json.dumps(settings, indent=2) + "\n").encode())

    @property
    def begun(self) -> bool:
        """Whether a run was started here that has not come to its first snapshot."""
        return (self.path / SETTINGS).is_file() and not any(self.resume.glob("[!.]*"))

    def clean(self) -> None:
        """Remove what a killed process was still writing."""
        for folder in (self.resume, self.path / "checkpoints"):
            for left in folder.glob(".*.partial-*") if folder.is_dir() else ():
                remove_leftovers(folder / left.name[1:].partition(".partial-")[0])

    def save_checkpoint(self, step: int, checkpoint: Checkpoint) -> Path:
        """Write the checkpoint of a step and point the link at it; one that is there already is kept."""
        name = f"step_{step:07d}"
        folder = self.path / "checkpoints" / name
        if not folder.is_dir():
            save_checkpoint(folder, checkpoint)
        link = self.path / "checkpoint.new"
        link.unlink(missing_ok=True)
        link.symlink_to(Path("checkpoints", name))
        os.replace(link, self.path / "checkpoint")  # noqa: PTH105 - replaces the old link in one step
        durable.sync(self.path)
        return folder

    @property
    def last_good(self) -> str:
        """Where the newest checkpoint is, in words."""
        link = self.path / "checkpoint"
        return f"the last good checkpoint is {link.resolve()}" if link.exists() else "no checkpoint was written yet"

    def divergence(self, name: str, value: float, step: int) -> DivergenceError:
        """The error to raise when a metric or a weight is not finite."""
        return DivergenceError(
            f"{name} is {value} at step {step}, expected a finite number; {self.last_good}; "
            "train with a lower learning_rate or precision=fp32"
        )

    @contextmanager
    def writing(self, what: str) -> Iterator[None]:
        """Turns an OSError of what is written within into a RunWriteError that says how to go on."""
        try:
            yield
        except RunWriteError:
            raise
        except OSError as error:
            raise RunWriteError(
                f"{what} could not be written to {self.path} ({error.strerror or error}); {self.last_good}; free some "
                "space, then continue with the same command and resume=true"
            ) from error
