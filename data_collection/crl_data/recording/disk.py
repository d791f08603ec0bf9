"""Room on the disk of a store, and how long it lasts."""

from __future__ import annotations

import shutil
from pathlib import Path

from crl_robot.errors import StoreError

MB = 1_000_000


def free_bytes(path: Path) -> int:
    """Bytes free where ``path`` lies or would be made. Raises StoreError when the disk cannot be asked."""
    existing = next(folder for folder in (path, *path.resolve().parents) if folder.exists())
    try:
        return shutil.disk_usage(existing).free
    except OSError as error:
        raise StoreError(f"the room on the disk of {path} cannot be told: {error}; is it still there?") from error


def require_room(path: Path, min_free_mb: int) -> None:
    """Raise StoreError when the disk has less room than that."""
    free = free_bytes(path)
    if free < min_free_mb * MB:
        raise StoreError(
            f"the disk of {path} has {free // MB} MB free, expected at least {min_free_mb} MB; free space or choose "
            "another store (parameter min_free_mb)"
        )


def room_warnings(path: Path, warn_free_mb: int) -> list[str]:
    """A few words when the disk has less room than that."""
    free = free_bytes(path)
    return [f"(only {free // MB} MB free on the disk)"] if free < warn_free_mb * MB else []


def seconds_left(free: int, written: int, seconds: float) -> float | None:
    """How long recording can go on at the byte rate so far; None before anything was written."""
    return free * seconds / written if written > 0 and seconds > 0 else None
