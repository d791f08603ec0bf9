"""A folder of decoded frames that does not grow beyond its limit."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from crl_data.serving.cache_file import FORMAT_VERSION, PARTIAL

LIMIT_BYTES = 20 * 2**30


def default_folder() -> Path:
    """Where decoded frames are kept: goal-image-control/frames below $XDG_CACHE_HOME or ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "goal-image-control" / "frames"


@dataclass(frozen=True)
class FrameCache:
    """A folder of decoded frames.

    Attributes:
        folder: where; made when it is missing.
        limit_bytes: beyond it, the files used longest ago are removed.
    """

    folder: Path = field(default_factory=default_folder)
    limit_bytes: int = LIMIT_BYTES

    def path(self, facts: Mapping[str, str]) -> Path:
        """The file of the frames that ``facts`` describe, in this version of the format."""
        text = json.dumps([FORMAT_VERSION, dict(facts)], sort_keys=True)
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.npy"

    def make_room(self, needed: int, keep: Path) -> None:
        """Make the folder; remove what killed processes left, and other files than ``keep`` until ``needed`` bytes fit.

        Raises:
            OSError: they cannot fit, or the folder cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for partial in self.folder.glob(f"*{PARTIAL}"):
            _remove_abandoned(partial)
        if needed > self.limit_bytes:
            raise OSError(f"{needed / 1e9:.2f} GB are needed, the limit is {self.limit_bytes / 1e9:.2f} GB")
        facts = sorted((file.stat().st_mtime, file.stat().st_size, file) for file in self.folder.glob("*.npy"))
        used = sum(size for _, size, file in facts if file != keep)
        for _, size, file in facts:
            if used + needed > self.limit_bytes and file != keep:
                file.unlink(missing_ok=True)
                used -= size
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            raise OSError(f"{needed / 1e9:.2f} GB are needed, {free / 1e9:.2f} GB of the disk are free")


def _remove_abandoned(partial: Path) -> None:
    """Remove a file that its writer no longer holds locked: it was killed. What is in use or another's stays."""
    with contextlib.suppress(OSError), partial.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        partial.unlink(missing_ok=True)
