"""A small disk in memory that can be filled to the last byte, or made read-only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crl_robot.errors import StoreError

SIZE = 2**22
PAGE = 4096


class SmallDisk:
    """A tmpfs on ``folder``; needs root.

    Raises StoreError when it cannot be mounted.
    """

    def __init__(self, folder: Path, options: str = "") -> None:
        self.folder, self.options = folder, options
        folder.mkdir(parents=True, exist_ok=True)
        self._mount("-t", "tmpfs", "-o", f"size={SIZE}{options}", "tmpfs", str(folder))

    def fill(self, room: int) -> None:
        """Take all space but about ``room`` bytes."""
        free = os.statvfs(self.folder)
        ballast = max(0, free.f_bavail * free.f_frsize - room)
        with (self.folder / "ballast").open("wb") as file:
            file.write(bytes(ballast // PAGE * PAGE))

    def free(self) -> None:
        """Give the space back."""
        (self.folder / "ballast").unlink(missing_ok=True)

    def allow_more_files(self) -> None:
        """Lift the limit on the number of files."""
        self._mount("-o", "remount,nr_inodes=10000", str(self.folder))

    def write_protect(self) -> None:
        """Make it read-only, as a disk does after an error of its own."""
        self._mount("-o", "remount,ro", str(self.folder))

    def close(self) -> None:
        """Unmount it; all content is lost."""
        subprocess.run(["umount", str(self.folder)], check=True, capture_output=True)

    def _mount(self, *arguments: str) -> None:
        try:
            done = subprocess.run(["mount", *arguments], check=False, capture_output=True, text=True)
        except OSError as error:
            raise StoreError(f"a small disk cannot be mounted: {error}") from error
        if done.returncode:
            raise StoreError(f"a small disk cannot be mounted: {done.stderr.strip()}; run as root")


@contextmanager
def small_disk(folder: Path, options: str = "") -> Iterator[SmallDisk]:
    """A small disk that is unmounted at the end. Raises StoreError when it cannot be mounted."""
    disk = SmallDisk(folder, options)
    try:
        yield disk
    finally:
        disk.close()


def why_no_small_disk(folder: Path) -> str:
    """'' where small disks can be mounted, or the reason why not."""
    try:
        with small_disk(folder):
            return ""
    except StoreError as error:
        return str(error)
