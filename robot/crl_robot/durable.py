"""Every change that trajectory stores and checkpoints make on disk goes through here, where it can be watched.

What must still be there after the power went is synced: a file's content by syncing the file, its name by syncing the
folder that holds it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Observer = Callable[..., None]
"""Called after each operation: ('mkdir', path), ('write', path, offset, bytes), ('truncate', path, size),
('sync', path), ('rename', source, target), ('remove', path)."""

_observers: list[Observer] = []


@contextmanager
def observe(observer: Observer) -> Iterator[None]:
    """Have every operation of this process reported to ``observer`` once it was carried out."""
    _observers.append(observer)
    try:
        yield
    finally:
        _observers.remove(observer)


def sync(path: Path) -> None:
    """Bring a file's content, or the names in a folder, to the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    _report("sync", path)


def sync_tree(folder: Path) -> None:
    """Bring everything below a folder, and the folder itself, to the disk; not the folder's own name."""
    for parent, _, names in os.walk(folder):
        for name in names:
            sync(Path(parent, name))
        sync(Path(parent))


def make_folder(folder: Path, *, lasting: bool = False) -> None:
    """Make a folder and those above it where they are missing; ``lasting`` syncs each new name."""
    if folder.is_dir():
        return
    make_folder(folder.parent, lasting=lasting)
    folder.mkdir(exist_ok=True)
    _report("mkdir", folder)
    if lasting:
        sync(folder.parent)


def write_file(path: Path, data: bytes) -> None:
    """Write a new file, or replace one that nobody relies on yet; the caller syncs it."""
    with Appender(path) as file:
        file.truncate(0)
        file.write(data)


def leftover_of(path: Path) -> Path:
    """Where `replace_file` writes before it renames; left over when it is killed in between."""
    return path.with_name(f"{path.name}.new")


def replace_file(path: Path, data: bytes) -> None:
    """Write a file, or replace it, in one step: under ``path`` it is whole and on the disk, or as it was.

    Raises OSError; what was written beside it is removed then.
    """
    new = leftover_of(path)
    try:
        write_file(new, data)
        sync(new)
        rename(new, path)
    except BaseException:
        with suppress(OSError):
            remove_file(new)
        raise


def rename(source: Path, target: Path) -> None:
    """Rename in one step, and sync the folder that the new name is in.

    Raises OSError; a folder that was renamed but could not be synced has its old name again where that is possible.
    """
    replaces = target.exists()
    os.rename(source, target)  # noqa: PTH104 - Path.rename would hide that this is the one atomic step
    _report("rename", source, target)
    try:
        sync(target.parent)
    except OSError:
        if not replaces:
            with suppress(OSError):
                os.rename(target, source)  # noqa: PTH104
                _report("rename", target, source)
        raise


def remove_file(path: Path) -> None:
    """Remove a file where it is there. Raises OSError."""
    if path.exists():
        path.unlink()
        _report("remove", path)


def remove_tree(folder: Path) -> None:
    """Remove a folder and everything below it. Raises OSError."""
    shutil.rmtree(folder)
    _report("remove", folder)


class Appender:
    """A file that grows at its end, unbuffered; a write that fails leaves it as long as it was."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        self.size = os.fstat(self._descriptor).st_size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def write(self, data: bytes | memoryview) -> None:
        """Add bytes at the end. Raises OSError; the file then ends where it ended before."""
        view, done = memoryview(data).cast("B"), 0
        try:
            while done < len(view):
                done += os.pwrite(self._descriptor, view[done:], self.size + done)
        except OSError:
            os.ftruncate(self._descriptor, self.size)
            raise
        _report("write", self.path, self.size, data)
        self.size += len(view)

    def truncate(self, size: int) -> None:
        """Cut the file to its first ``size`` bytes."""
        os.ftruncate(self._descriptor, size)
        self.size = size
        _report("truncate", self.path, size)

    def close(self) -> None:
        """Close; may be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _report(operation: str, *facts: Any) -> None:
    for observer in _observers:
        observer(operation, *facts)
