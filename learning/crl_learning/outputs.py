"""Folders that commands write to: made before the long work begins, and refused in one line where that cannot be."""

from __future__ import annotations

import tempfile
from pathlib import Path

from crl_robot.errors import ConfigError

EVALUATION_FILES = (
    *("summary.json", "trials.csv", "trajectories.npz", "curves.png", "pairs.png", "report.html"),
    *("comparison.json", "curves.csv"),
)
EVALUATION_PICTURES = ("videos/**/*_[0-9][0-9][0-9][0-9]_*.mp4", "pairs/*.png")


def writable_folder(path: str | Path) -> Path:
    """Make the folder where it is missing, and try to write there. Raises ConfigError."""
    folder = Path(path).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(
            f"out={path} cannot be written to ({error.strerror or error}), expected a folder; choose another out="
        ) from error
    return folder


def require_no_run(folder: Path) -> None:
    """Raises ConfigError where the folder of a training run is in use, or is none."""
    try:
        used = folder.exists() and any(folder.iterdir())
    except OSError as error:
        raise ConfigError(
            f"out={folder} cannot be read ({error.strerror}), expected a folder; choose another out="
        ) from error
    if used:
        raise ConfigError(f"{folder} holds a run already; choose another out=, or resume=true to continue it")


def evaluation_folder(path: str | Path, overwrite: bool) -> Path:
    """The folder of an evaluation, without the files of an earlier one. Raises ConfigError unless they may be deleted.

    Deleting them first keeps the results of two evaluations from standing beside each other.
    """
    folder = writable_folder(path)
    there = [folder / name for name in EVALUATION_FILES if (folder / name).exists()]
    if there and not overwrite:
        raise ConfigError(
            f"{there[0]} is there already: {folder} holds the results of another run; choose another out=, "
            "or overwrite=true to replace them"
        )
    for file in [*there, *(file for pattern in EVALUATION_PICTURES for file in folder.glob(pattern))]:
        file.unlink()
    return folder
