"""One file of decoded frames: an .npy that numpy maps into memory, with the checksums of its blocks behind the data.

    .npy header | rows, uint8 (N, h, w, 3) | facts as JSON | length of the facts, uint64 | magic

It is written under another name and renamed. Nothing is synced: whatever a power loss leaves of it fails the checks
below, and then it is made again.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crl_data.progress import progress_bar
from crl_robot.errors import CrlError

MAGIC = b"crlframe"
PARTIAL = ".partial"
FORMAT_VERSION = 1
_LENGTH_BYTES = 8
Shape = tuple[int, int, int, int]


class CacheDamageError(CrlError, ValueError):
    """A file of decoded frames is not as it was written."""


class CacheWriter:
    """Makes the file ``path`` of frames uint8 (N, h, w, 3). Where another process makes it, the constructor waits.

    Args:
        facts: what the frames are, in JSON's types.
        block_rows: frames that share a checksum.

    Raises:
        OSError: the disk refuses.
    """

    def __init__(self, path: Path, shape: Shape, facts: dict[str, Any], block_rows: int) -> None:
        self._path, self._partial = path, path.with_suffix(PARTIAL)
        self._facts, self._block_rows = facts, block_rows
        self._header, self._row_bytes = _header(shape), int(np.prod(shape[1:]))
        self._end = len(self._header) + shape[0] * self._row_bytes
        self._sums = [0] * -(-shape[0] // block_rows)
        self._descriptor = _locked(self._partial)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what was not committed."""
        if self._descriptor >= 0:
            self._partial.unlink(missing_ok=True)
            self._close()

    def put(self, start: int, rows: NDArray[np.uint8]) -> None:
        """Write the block that begins with row ``start``; several threads may. Raises OSError."""
        data = np.ascontiguousarray(rows).data.cast("B")
        _write(self._descriptor, data, len(self._header) + start * self._row_bytes)
        self._sums[start // self._block_rows] = zlib.crc32(data)

    def commit(self) -> None:
        """All blocks are there: let the file appear. Raises OSError."""
        facts = json.dumps(self._facts | {"block_rows": self._block_rows, "crc32": self._sums}).encode()
        _write(self._descriptor, self._header, 0)
        _write(self._descriptor, facts + len(facts).to_bytes(_LENGTH_BYTES, "little") + MAGIC, self._end)
        os.replace(self._partial, self._path)  # noqa: PTH105 - Path.replace would hide that this is the one atomic step
        self._close()

    def _close(self) -> None:
        os.close(self._descriptor)
        self._descriptor = -1


def read_cache(
    path: Path, shape: Shape, facts: dict[str, Any], memory: bool, workers: int, progress: bool
) -> NDArray[np.uint8]:
    """The frames of a file, all of them compared with their checksums.

    Returns:
        uint8 (N, h, w, 3), in memory or as a read-only map of the file.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: it cannot be read.
        CacheDamageError: it is damaged, or holds other frames than ``shape`` and ``facts`` say.
    """
    header, row_bytes = _header(shape), int(np.prod(shape[1:]))
    images = np.empty(shape, np.uint8) if memory else None
    with path.open("rb") as file, ThreadPoolExecutor(workers) as pool, progress_bar("cached", enabled=progress) as bar:
        found = _facts(file.fileno(), header, shape[0] * row_bytes)
        if any(found.get(key) != value for key, value in facts.items()):
            raise CacheDamageError(f"{path} holds other frames than its name says")
        rows, sums = found["block_rows"], found["crc32"]
        task = bar.add_task("", total=shape[0])

        def check(block: int) -> None:
            start, stop = block * rows, min((block + 1) * rows, shape[0])
            data = np.empty((stop - start, *shape[1:]), np.uint8) if images is None else images[start:stop]
            view = data.data.cast("B")
            count = os.preadv(file.fileno(), [view], len(header) + start * row_bytes)
            if count != len(view) or zlib.crc32(view) != sums[block]:
                raise CacheDamageError(f"{path} is damaged: the checksum of block {block} is another")
            bar.advance(task, stop - start)

        list(pool.map(check, range(len(sums))))
    return map_cache(path, shape) if images is None else images


def map_cache(path: Path, shape: Shape) -> NDArray[np.uint8]:
    """The frames of a sound file as a read-only np.memmap (N, h, w, 3)."""
    return np.memmap(path, np.uint8, "r", len(_header(shape)), shape)


def _facts(descriptor: int, header: bytes, data_bytes: int) -> dict[str, Any]:
    """What stands behind the data. Raises CacheDamageError."""
    size, end = os.fstat(descriptor).st_size, len(header) + data_bytes
    tail = os.pread(descriptor, size - end, end) if size > end else b""
    length = int.from_bytes(tail[-len(MAGIC) - _LENGTH_BYTES : -len(MAGIC)], "little")
    whole = tail.endswith(MAGIC) and len(tail) == length + _LENGTH_BYTES + len(MAGIC)
    if not whole or os.pread(descriptor, len(header), 0) != header:
        raise CacheDamageError(f"a file of decoded frames is truncated or has another shape: {size} bytes")
    try:
        facts = json.loads(tail[:length])
        return {**facts, "block_rows": int(facts["block_rows"]), "crc32": list(facts["crc32"])}
    except (ValueError, KeyError, TypeError) as error:
        raise CacheDamageError(f"the facts behind the decoded frames cannot be read ({error!r})") from error


def _header(shape: Shape) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return file.getvalue()


def _locked(path: Path) -> int:
    """A descriptor of ``path`` that no other process has locked; it ends with the process, however that ends."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except FileNotFoundError:
            pass  # whoever had it renamed or removed it in the meantime
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _write(descriptor: int, data: bytes | memoryview, offset: int) -> None:
    view, done = memoryview(data), 0
    while done < len(view):
        done += os.pwrite(descriptor, view[done:], offset + done)
