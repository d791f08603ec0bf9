"""Reads a zarr of format 2 that somebody else wrote, without trusting it.

NumCodecs has a codec that unpickles, so a file could run code; only codecs of numbers and pictures are let through.
Its blosc decodes a chunk that was cut short to anything at all, and zarr takes a chunk that is not there for zeros.
"""

from __future__ import annotations

import importlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zarr.abc.store import ByteRequest, Store
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore, WrapperStore, ZipStore

from crl_data.exchange.errors import MappingError, SourceError

_PLAIN = frozenset(
    {"adler32", "astype", "bitround", "blosc", "bz2", "crc32", "crc32c", "delta", "fixedscaleoffset", "fletcher32"}
    | {"gzip", "jenkins_lookup3", "lz4", "lzma", "packbits", "quantize", "shuffle", "zlib", "zstd"}
)
_PICTURES = "imagecodecs_"
_BLOSC_HEADER_BYTES = 16


class WholeChunks(WrapperStore[Store]):
    """A store that is only read, and refuses chunks of blosc that are not as long as they say.

    Attributes:
        missing: chunks that were asked for and are not there; they read as the array's fill value.
    """

    def __init__(self, store: Store, path: Path | None = None) -> None:
        super().__init__(store)
        self._blosc = {name for name, metadata in _arrays(path) if "blosc" in _codecs(metadata)} if path else set()
        self.missing: set[str] = set()

    @classmethod
    def at(cls, path: Path) -> WholeChunks:
        """A folder or a zip file. Raises SourceError when its metadata cannot be read."""
        return cls(ZipStore(path, mode="r") if path.is_file() else LocalStore(path, read_only=True), path)

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """Raises ValueError for a chunk that was cut short."""
        value = await self._store.get(key, prototype, byte_range)
        array, _, name = key.rpartition("/")
        if value is None and name[:1].isdecimal():
            self.missing.add(key)
        if value is not None and array in self._blosc and name[:1].isdecimal():
            header = value.to_bytes()[:_BLOSC_HEADER_BYTES]
            if len(header) < _BLOSC_HEADER_BYTES or int.from_bytes(header[12:], "little") != len(value):
                raise ValueError(f"chunk {key} has {len(value)} bytes, it says otherwise")
        return value


def require_codecs(path: Path) -> None:
    """Make image codecs known where they are installed.

    Raises:
        MappingError: a codec is refused, or its package is not installed.
        SourceError: what should be an array's metadata is not.
    """
    names = {name for _, metadata in _arrays(path) for name in _codecs(metadata)}
    refused = sorted(name for name in names if name not in _PLAIN and not name.startswith(_PICTURES))
    if refused:
        raise MappingError(
            f"{path} is coded with {', '.join(refused)}, which is refused: only {', '.join(sorted(_PLAIN))} and "
            "imagecodecs are read; write it again with one of these"
        )
    pictures = sorted(name for name in names if name.startswith(_PICTURES))
    if pictures:
        _register_pictures(path, pictures)


def _register_pictures(path: Path, names: list[str]) -> None:
    try:
        codecs = importlib.import_module("imagecodecs.numcodecs")
    except ImportError as error:
        raise MappingError(
            f"{path} has pictures coded with {', '.join(names)}; install the package that decodes them: "
            "pip install imagecodecs"
        ) from error
    codecs.register_codecs(names, verbose=False)


def _codecs(metadata: Any) -> list[str]:
    try:
        if metadata["zarr_format"] != 2:
            raise ValueError(f"zarr_format is {metadata['zarr_format']!r}, expected 2")
        codecs = [metadata["compressor"], *(metadata["filters"] or ())]
        return [str(codec["id"]) for codec in codecs if codec is not None]
    except (KeyError, TypeError, ValueError) as error:
        raise SourceError(f"an array's metadata are damaged: {error!r}") from error


def _arrays(path: Path) -> Iterator[tuple[str, Any]]:
    """Name and content of every `.zarray` file of a folder or a zip file."""
    try:
        if path.is_file():
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if name.split("/")[-1] == ".zarray":
                        yield name.rpartition("/")[0], json.loads(archive.read(name))
        for file in sorted(path.rglob(".zarray")):
            yield file.parent.relative_to(path).as_posix(), json.loads(file.read_bytes())
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise SourceError(f"{path} cannot be read: {error}") from error
