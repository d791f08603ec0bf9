"""Words that messages share: paths to copy into a shell, counts, and why a place cannot be written."""

from __future__ import annotations

import errno
import shlex
from pathlib import Path

_ADVICE = {
    errno.EACCES: "you may not write there; change the permissions, or choose another place",
    errno.EPERM: "you may not write there; change the permissions, or choose another place",
    errno.EROFS: "that disk is read-only; choose another place",
    errno.ENOSPC: "free space or choose another place",
    errno.EDQUOT: "free space or choose another place",
    errno.EISDIR: "a folder is in the way; choose another name",
}


def quoted(path: Path | str) -> str:
    """A path as a shell takes it back, spaces and all."""
    return shlex.quote(str(path))


def counted(number: int, what: str) -> str:
    """``1 episode``, ``2 episodes``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def not_written(target: Path, error: Exception) -> str:
    """Message for a file that could not be written: why, and what to do."""
    if not isinstance(error, OSError):
        return f"could not write {target}: {error}; choose another place"
    return f"could not write {target}: {error.strerror or error}; {write_advice(error, target)}"


def write_advice(error: OSError, target: Path) -> str:
    """What to do when ``target`` could not be written because of ``error``."""
    in_the_way = next((parent for parent in target.parents if _is_file(parent)), None)
    if in_the_way is not None:
        return f"{in_the_way} is a file, expected a folder; choose another place"
    return _ADVICE.get(error.errno or 0, "choose another place")


def _is_file(path: Path) -> bool:
    try:
        return path.exists() and not path.is_dir()
    except OSError:  # a folder above may not be looked into
        return False
