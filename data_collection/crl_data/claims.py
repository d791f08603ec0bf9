"""A lock on a folder that is being written, so that nobody takes it for left over; it ends with its process."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


def claim(folder: Path) -> int:
    """Lock a folder for this process until the returned descriptor is closed; waits for those who only look.

    Where a file system has no locks the folder stays unlocked, and looks left over to others. Raises OSError when the
    folder is missing, also when it was removed just before it was locked.
    """
    descriptor = _open(folder)
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        if not os.path.samestat(os.fstat(descriptor), folder.stat()):
            raise OSError(errno.ENOENT, "somebody replaced it", str(folder))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def is_claimed(folder: Path) -> bool:
    """Whether a living process writes into a folder; False also where that cannot be told."""
    with _locked(folder, fcntl.LOCK_SH) as free:
        return not free


@contextlib.contextmanager
def unclaimed(folder: Path) -> Iterator[bool]:
    """Whether no living process writes into a folder; if so, none begins to before the end of the context."""
    with _locked(folder, fcntl.LOCK_EX) as free:
        yield free


@contextlib.contextmanager
def _locked(folder: Path, kind: int) -> Iterator[bool]:
    """Lock without waiting; yields False when somebody else has the lock, True also where there are no locks."""
    try:
        descriptor = _open(folder)
    except OSError:
        yield True
        return
    free = True
    try:
        with contextlib.suppress(OSError):
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                free = False
        yield free
    finally:
        os.close(descriptor)


def _open(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
