"""What a format's reader gives for one episode: columns, pictures and stamps, still in the source's own terms."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.exchange.errors import SourceError
from crl_data.exchange.values import Table

Image = bytes | NDArray[np.uint8]
"""A JPEG or PNG file, or uint8 (H, W, 3) RGB."""


@dataclass(frozen=True)
class CameraSource:
    """The pictures of one camera of a source episode.

    Attributes:
        frames: gives one picture per row, from the first on, each time it is called.
        stamp_ns: int64 (rows,) stamps of the source, None where it has none.
        receive_stamp_ns: int64 (rows,) stamps of arrival, None where it has none.
    """

    frames: Callable[[], Iterator[Image]]
    stamp_ns: NDArray[np.int64] | None = None
    receive_stamp_ns: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class SourceEpisode:
    """One episode as a format's reader gives it.

    Attributes:
        table: columns with ``rows`` rows; those that feed actions have ``actions`` rows.
        rows: observations.
        actions: actions, as many as observations, or one fewer when an observation follows the last action.
        cameras: by our names.
        stamp_ns: int64 (rows,) when each row was observed; None where the source has no true stamps.
        arrays: further arrays of the store, (rows, ...), such as state_stamp_ns.
        meta: what else is known: note, success, operator, lost, calibration, options.
    """

    table: Table
    rows: int
    actions: int
    cameras: Mapping[str, CameraSource]
    stamp_ns: NDArray[np.int64] | None = None
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SourceReference:
    """An episode that can be read: ``id`` in our store, ``name`` for messages, ``read`` (raises SourceError)."""

    id: str
    name: str
    read: Callable[[], SourceEpisode]


def episode_id(*parts: str) -> str:
    """An id for the store from the words that name an episode in its source; equal words give the same id."""
    text = "/".join(parts)
    words = re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-._")[-60:].lstrip("-._")
    return f"{words or 'episode'}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def fingerprint(episode: SourceEpisode) -> str:
    """SHA-256 of an episode's numbers, stamps and the first picture of each camera: other data give another one.

    The other pictures are left out, because they would have to be read again whenever an import goes on.

    Raises:
        SourceError: the first picture of a camera is damaged or missing.
    """
    digest = hashlib.sha256(f"{episode.rows} {episode.actions}".encode())
    stamps = {} if episode.stamp_ns is None else {"stamp_ns": episode.stamp_ns}
    for kind, arrays in (("columns", episode.table.columns), ("arrays", episode.arrays), ("stamps", stamps)):
        for name in sorted(arrays):
            _update(digest, f"{kind} {name}", np.asarray(arrays[name]))
    for name in sorted(episode.cameras):
        picture = next(iter(episode.cameras[name].frames()), b"")
        _update(digest, f"camera {name}", np.frombuffer(picture, np.uint8) if isinstance(picture, bytes) else picture)
    return digest.hexdigest()


def _update(digest: hashlib._Hash, name: str, array: NDArray[Any]) -> None:
    digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
    digest.update(np.ascontiguousarray(array).tobytes())


def require_lengths(lengths: Mapping[str, int], expected: int) -> None:
    """Raise SourceError naming the streams that do not have ``expected`` rows."""
    wrong = {name: length for name, length in lengths.items() if length != expected}
    if wrong:
        raise SourceError(f"expected {expected} rows, got " + ", ".join(f"{n} {c}" for n, c in wrong.items()))


def seconds_to_ns(seconds: NDArray[Any], name: str) -> NDArray[np.int64]:
    """(T,) or (T, 1) seconds -> int64 (T,) ns. Raises SourceError when they are not one finite number per step."""
    values = np.asarray(seconds, np.float64).reshape(len(seconds), -1)
    if values.shape[1] != 1 or not np.isfinite(values).all():
        raise SourceError(f"'{name}' is not one finite number of seconds per step")
    return np.round(values[:, 0] * 1e9).astype(np.int64)
