"""A lock on a folder that is being written, so that nobody takes it for left over; it ends with its process."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path


def claim(folder: Path) -> int:
    """Lock a folder for this process until the returned descriptor is closed. Raises OSError when it is missing.

    Where a file system has no locks the folder stays unlocked, and looks left over to others.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def is_claimed(folder: Path) -> bool:
    """Whether a living process writes into a folder; False also where that cannot be told."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False
