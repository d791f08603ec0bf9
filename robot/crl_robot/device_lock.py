"""One driver for one device on this machine: a lock that the kernel frees when its process dies."""

from __future__ import annotations

import fcntl
import os
import re
from contextlib import suppress
from pathlib import Path

from crl_robot.errors import ArmError

_FOLDER = Path("/tmp")


class DeviceLock:
    """Taken when made. Raises ArmError when another driver on this machine, this process included, has it.

    Args:
        name: of the lock, the same for everybody who means this device.
        device: what the error calls it.
    """

    def __init__(self, name: str, device: str) -> None:
        path = _FOLDER / f"crl-{re.sub(r'[^A-Za-z0-9.-]', '_', name)}.lock"
        self._file: int | None = _open(path)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.release()
            raise ArmError(
                f"{device} is already in use by another driver on this machine; close that one first"
            ) from error

    def release(self) -> None:
        """Give it back; any number of times."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _open(path: Path) -> int:
    """The lock's file, which every user of this machine may open. Raises ArmError."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise ArmError(f"cannot lock {path}: {error.strerror}; remove that file, or run as its owner") from error
    with suppress(OSError):  # only its owner may, and has done so already
        os.fchmod(descriptor, 0o666)
    return descriptor
